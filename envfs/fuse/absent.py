"""The handlers of what a tree of views does not have: room, links, attributes, anything to write.

Law: every handler is defined here or in `operations`. ENOSYS is said on purpose, where nobody could get anything, of
extended attributes, and of flush: after it the kernel does not ask again, for any uid.
"""

import errno
import select
from collections.abc import Callable, Sequence
from typing import NoReturn

from envfs.core.access.caller import Caller
from envfs.fuse.device.facts import FileSystemRoom, FUSEError, RequestContext
from envfs.fuse.guard import guarded
from envfs.fuse.sharing import Sharing


class Absent:
    """Says no, each time in the kernel's word for it."""

    sharing: Sharing
    _caller: Callable[[RequestContext], Caller]

    @guarded
    async def statfs(self, ctx: RequestContext) -> FileSystemRoom:
        """Describe a file system without room: nothing can be stored here. EACCES for an unknown caller."""
        if self._caller(ctx).unknown:
            raise FUSEError(errno.EACCES)
        return FileSystemRoom(block_size=4096, longest_name=255)

    @guarded
    async def poll(self, inode: int, fh: int, ctx: RequestContext) -> int:  # noqa: ARG002
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

    async def write(self) -> NoReturn:
        """Nothing is made, changed, renamed or removed here: EROFS."""
        raise FUSEError(errno.EROFS)
