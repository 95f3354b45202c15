"""The mount point itself: the one inode that all uids share, so the one that has an access list.

A watch takes no more than the kernel's own permission check, of which this daemon hears nothing. Every other folder is
an inode of its one reader. The mount point names what is used right below it, to whoever may read it. So on a mount for
all the kernel checks permissions by itself, and the list says who may read it: the uids that have a grant now.

Laws: everybody may pass, which tells nothing, for each name is decided below; the list is consulted here and nowhere
else, since no other inode has a bit for a group (acl(5)).
"""

import struct
from collections.abc import Iterable

ACCESS_LIST = b"system.posix_acl_access"
MODE = 0o551  # acl(5): of a file with a list, the bits of the group are the list's mask
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_PASS, _READ_AND_PASS = 0o1, 0o5
_NO_ID = (1 << 32) - 1
_VERSION, _ENTRY = struct.pack("<I", 2), struct.Struct("<HHI")  # linux/posix_acl_xattr.h


def access_list(uids: Iterable[int]) -> bytes:
    """Return the list by which these uids may read the mount point and everybody may pass it."""
    entries = [(_OWNER, _READ_AND_PASS, _NO_ID)]
    entries += [(_USER, _READ_AND_PASS, uid) for uid in sorted(set(uids))]
    entries += [(_GROUP, _PASS, _NO_ID), (_MASK, _READ_AND_PASS, _NO_ID), (_OTHER, _PASS, _NO_ID)]
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)
