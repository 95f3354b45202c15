"""The handlers of what a tree of views does not have: room, links, attributes, anything to write.

Law: every handler of pyfuse3 is defined here or in `operations`, for its own say ENOSYS, after which the kernel does
not ask again, for any uid. That is said on purpose where nobody could get anything, of extended attributes, and of
flush.
"""

import errno
import select
from collections.abc import Callable, Sequence
from typing import NoReturn

import pyfuse3
from pyfuse3 import FUSEError, RequestContext

from envfs.core.access.caller import Caller
from envfs.fuse.guard import guarded
from envfs.fuse.sharing import Sharing


class Absent(pyfuse3.Operations):
    """Says no, each time in the kernel's word for it."""

    sharing: Sharing
    _caller: Callable[[RequestContext], Caller]

    @guarded
    async def statfs(self, ctx: RequestContext) -> pyfuse3.StatvfsData:
        """Describe a file system without room: nothing can be stored here. EACCES for an unknown caller."""
        if self._caller(ctx).unknown:
            raise FUSEError(errno.EACCES)
        data = pyfuse3.StatvfsData()
        data.f_bsize = data.f_frsize = 4096
        data.f_namemax = 255
        return data

    @guarded
    async def poll(self, inode: int, fh: int, poll_handle: object, ctx: RequestContext) -> int:  # noqa: ARG002
        """A view is always ready to be read."""
        return select.POLLIN

    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]:  # noqa: ARG002
        """Answer ENOSYS once, and the kernel stops asking for what nothing here has."""
        raise FUSEError(errno.ENOSYS)

    @guarded
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:  # noqa: ARG002
        """There are no links: EINVAL."""
        raise FUSEError(errno.EINVAL)

    @guarded
    async def fsync(self, fh: int, datasync: bool) -> None:
        """There is nothing to put on a disk."""

    @guarded
    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        """There is nothing to put on a disk."""

    async def _read_only(self, *_arguments: object) -> NoReturn:
        raise FUSEError(errno.EROFS)

    create = link = mkdir = mknod = removexattr = rename = _read_only  # type: ignore[assignment]
    rmdir = setxattr = symlink = unlink = write = _read_only  # type: ignore[assignment]
