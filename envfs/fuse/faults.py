"""Refusals as errnos: one table (docs/threat-model.md and docs/cli-contract.md repeat it).

Law: no refusal is ENOSYS: the kernel would stop asking, for every uid, for the life of the mount.
"""

import errno

from envfs import errors

_TABLE: dict[type[errors.EnvFSError], int] = {
    errors.NotApproved: errno.EACCES,
    errors.UnsafeSettings: errno.EACCES,
    errors.NoSuchLevel: errno.ENOENT,
    errors.NoSuchVariable: errno.ENOENT,
    errors.BadName: errno.ENOENT,
    errors.Locked: errno.ENOKEY,
    errors.KeyholderGone: errno.ENOKEY,
    errors.TimedOut: errno.ETIMEDOUT,
    errors.AuthenticationFailed: errno.EBADMSG,
    errors.RolledBack: errno.EBADMSG,
    errors.UnsupportedFormat: errno.EPROTONOSUPPORT,
    errors.Conflict: errno.ESTALE,  # the caller gets another face by now: the kernel walks to the name again
    errors.AuditUnavailable: errno.EIO,
    errors.StoreUnavailable: errno.EIO,
    errors.TooLarge: errno.EFBIG,
    errors.TooMany: errno.ENFILE,
    errors.NobodyToAsk: errno.EPERM,
}


def errno_of(error: Exception) -> int:
    """Return the errno for an exception; whatever was not foreseen is EIO."""
    return _TABLE.get(type(error), errno.EIO) if isinstance(error, errors.EnvFSError) else errno.EIO
