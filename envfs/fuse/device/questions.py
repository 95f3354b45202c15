"""The kernel's questions: each is read, given to its handler, and becomes the bytes of its answer.

Laws: what nothing here knows is ENOSYS, at which the kernel does without it. An interrupt is not passed on: the caller
of an interrupted question waits for its answer, and a handler that waits looks for the signal itself.
"""

import errno
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from envfs.fuse.device import replies
from envfs.fuse.device.facts import (
    EntryAttributes,
    FileInfo,
    FileSystemRoom,
    FUSEError,
    RequestContext,
    SetattrFields,
)
from envfs.fuse.device.layout import (
    ASYNC_DIO,
    ASYNC_READ,
    ATOMIC_O_TRUNC,
    AUTO_INVAL_DATA,
    BATCH_IN,
    BIG_WRITES,
    DO_READDIRPLUS,
    FLAGS_IN,
    FORGET_ONE,
    FSYNC_IN,
    HANDLE_IN,
    INIT_IN,
    INIT_OUT,
    MAX_PAGES,
    POLL_IN,
    POSIX_ACL,
    READ_IN,
    SET_ATIME,
    SET_ATIME_NOW,
    SET_GID,
    SET_HANDLE,
    SET_MODE,
    SET_MTIME,
    SET_MTIME_NOW,
    SET_SIZE,
    SET_UID,
    SETATTR_IN,
    VERSION,
    Opcode,
)

_WANTED = ASYNC_READ | ATOMIC_O_TRUNC | BIG_WRITES | AUTO_INVAL_DATA | DO_READDIRPLUS | ASYNC_DIO | MAX_PAGES
_MOST_READ_AHEAD, _MOST_WRITTEN, _PAGES = 1 << 17, 4096, 256  # nothing is written; a reply has a mebibyte at most
_FSYNC_DATA = 1
_FD_BYTES = bytes | bytearray | memoryview


class KernelQuestion(NamedTuple):
    """A question: its number, what it asks for, about which inode, who asks, and the words of it."""

    unique: int
    opcode: int
    inode: int
    context: RequestContext
    words: bytes


class Handlers(Protocol):
    """The handlers of a mount. Each may wait, and raise FUSEError."""

    enable_acl: bool

    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes: ...  # noqa: D102
    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None: ...  # noqa: D102
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes: ...  # noqa: D102
    async def setattr(  # noqa: D102
        self, inode: int, fields: SetattrFields, fh: int | None, ctx: RequestContext
    ) -> EntryAttributes: ...
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes: ...  # noqa: D102
    async def write(self) -> None: ...  # noqa: D102
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo: ...  # noqa: D102
    async def read(self, fh: int, off: int, size: int) -> _FD_BYTES: ...  # noqa: D102
    async def release(self, fh: int) -> None: ...  # noqa: D102
    async def flush(self, fh: int) -> None: ...  # noqa: D102
    async def fsync(self, fh: int, datasync: bool) -> None: ...  # noqa: D102
    async def opendir(self, inode: int, ctx: RequestContext) -> int: ...  # noqa: D102
    async def readdir(self, fh: int, start_id: int, token: replies.ReaddirToken) -> None: ...  # noqa: D102
    async def releasedir(self, fh: int) -> None: ...  # noqa: D102
    async def fsyncdir(self, fh: int, datasync: bool) -> None: ...  # noqa: D102
    async def statfs(self, ctx: RequestContext) -> FileSystemRoom: ...  # noqa: D102
    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes: ...  # noqa: D102
    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]: ...  # noqa: D102
    async def access(self, inode: int, mode: int, ctx: RequestContext) -> bool: ...  # noqa: D102
    async def poll(self, inode: int, fh: int, ctx: RequestContext) -> int: ...  # noqa: D102


_Answer = Callable[[Handlers, KernelQuestion], Awaitable[_FD_BYTES]]


async def answer(handlers: Handlers, question: KernelQuestion) -> _FD_BYTES | None:
    """Return what a handler answers, as bytes behind the header. None for a question that gets no answer.

    Raises:
        FUSEError: it is refused
    """
    ask = _ANSWERS.get(question.opcode)
    if ask is not None:
        return await ask(handlers, question)
    match question.opcode:
        case Opcode.FORGET:
            await handlers.forget([(question.inode, HANDLE_IN.unpack_from(question.words)[0])])
        case Opcode.BATCH_FORGET:
            count, first = BATCH_IN.unpack_from(question.words)[0], BATCH_IN.size
            await handlers.forget([*FORGET_ONE.iter_unpack(question.words[first : first + count * FORGET_ONE.size])])
        case Opcode.INTERRUPT:
            pass
        case _:
            raise FUSEError(errno.ENOSYS)
    return None


async def _init(handlers: Handlers, question: KernelQuestion) -> bytes:
    major, _, read_ahead, offered = INIT_IN.unpack_from(question.words)
    if major != VERSION[0] or not offered & DO_READDIRPLUS:  # Linux 3.9
        raise FUSEError(errno.EPROTO)
    flags = offered & (_WANTED | POSIX_ACL * handlers.enable_acl)
    return INIT_OUT.pack(*VERSION, min(read_ahead, _MOST_READ_AHEAD), flags, 0, 0, _MOST_WRITTEN, 1, _PAGES, 0)


async def _lookup(handlers: Handlers, question: KernelQuestion) -> bytes:
    return replies.entry(await handlers.lookup(question.inode, _name(question.words), question.context))


async def _getattr(handlers: Handlers, question: KernelQuestion) -> bytes:
    return replies.attributes(await handlers.getattr(question.inode, question.context))


async def _setattr(handlers: Handlers, question: KernelQuestion) -> bytes:
    bits, _, handle = SETATTR_IN.unpack_from(question.words)
    groups = (SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_ATIME | SET_ATIME_NOW, SET_MTIME | SET_MTIME_NOW)
    fields = SetattrFields(*(bool(bits & group) for group in groups))
    fh = handle if bits & SET_HANDLE else None
    return replies.attributes(await handlers.setattr(question.inode, fields, fh, question.context))


async def _readlink(handlers: Handlers, question: KernelQuestion) -> bytes:
    return await handlers.readlink(question.inode, question.context)


async def _write(handlers: Handlers, _question: KernelQuestion) -> bytes:
    await handlers.write()
    return b""


async def _open(handlers: Handlers, question: KernelQuestion) -> bytes:
    flags = FLAGS_IN.unpack_from(question.words)[0]
    return replies.opened(await handlers.open(question.inode, flags, question.context))


async def _read(handlers: Handlers, question: KernelQuestion) -> _FD_BYTES:
    return await handlers.read(*READ_IN.unpack_from(question.words))


async def _release(handlers: Handlers, question: KernelQuestion) -> bytes:
    await handlers.release(*HANDLE_IN.unpack_from(question.words))
    return b""


async def _flush(handlers: Handlers, question: KernelQuestion) -> bytes:
    await handlers.flush(*HANDLE_IN.unpack_from(question.words))
    return b""


async def _fsync(handlers: Handlers, question: KernelQuestion) -> bytes:
    handle, flags = FSYNC_IN.unpack_from(question.words)
    await handlers.fsync(handle, bool(flags & _FSYNC_DATA))
    return b""


async def _opendir(handlers: Handlers, question: KernelQuestion) -> bytes:
    return replies.opened(FileInfo(await handlers.opendir(question.inode, question.context)))


async def _readdir(handlers: Handlers, question: KernelQuestion) -> bytearray:
    handle, start, size = READ_IN.unpack_from(question.words)
    token = replies.ReaddirToken(size)
    await handlers.readdir(handle, start, token)
    return token.filled


async def _releasedir(handlers: Handlers, question: KernelQuestion) -> bytes:
    await handlers.releasedir(*HANDLE_IN.unpack_from(question.words))
    return b""


async def _fsyncdir(handlers: Handlers, question: KernelQuestion) -> bytes:
    handle, flags = FSYNC_IN.unpack_from(question.words)
    await handlers.fsyncdir(handle, bool(flags & _FSYNC_DATA))
    return b""


async def _statfs(handlers: Handlers, question: KernelQuestion) -> bytes:
    return replies.room(await handlers.statfs(question.context))


async def _getxattr(handlers: Handlers, question: KernelQuestion) -> bytes:
    name = _name(question.words[8:])
    return _sized(question, await handlers.getxattr(question.inode, name, question.context))


async def _listxattr(handlers: Handlers, question: KernelQuestion) -> bytes:
    names = await handlers.listxattr(question.inode, question.context)
    return _sized(question, b"".join(name + b"\0" for name in names))


async def _access(handlers: Handlers, question: KernelQuestion) -> bytes:
    if not await handlers.access(question.inode, FLAGS_IN.unpack_from(question.words)[0], question.context):
        raise FUSEError(errno.EACCES)
    return b""


async def _poll(handlers: Handlers, question: KernelQuestion) -> bytes:
    handle = POLL_IN.unpack_from(question.words)[0]
    return HANDLE_IN.pack(await handlers.poll(question.inode, handle, question.context))


async def _destroy(_handlers: Handlers, _question: KernelQuestion) -> bytes:
    return b""


def _name(words: bytes) -> bytes:
    return words[: words.index(0)]


def _sized(question: KernelQuestion, value: bytes) -> bytes:
    # the kernel asks for the size first, by a size of 0
    size = FLAGS_IN.unpack_from(question.words)[0]
    if not size:
        return HANDLE_IN.pack(len(value))
    if size < len(value):
        raise FUSEError(errno.ERANGE)
    return value


_WRITES = (
    *(Opcode.SYMLINK, Opcode.MKNOD, Opcode.MKDIR, Opcode.UNLINK, Opcode.RMDIR, Opcode.RENAME, Opcode.RENAME2),
    *(Opcode.LINK, Opcode.WRITE, Opcode.SETXATTR, Opcode.REMOVEXATTR, Opcode.CREATE),
)
_ANSWERS: Final[Mapping[int, _Answer]] = {
    Opcode.INIT: _init,
    Opcode.LOOKUP: _lookup,
    Opcode.GETATTR: _getattr,
    Opcode.SETATTR: _setattr,
    Opcode.READLINK: _readlink,
    Opcode.OPEN: _open,
    Opcode.READ: _read,
    Opcode.RELEASE: _release,
    Opcode.FLUSH: _flush,
    Opcode.FSYNC: _fsync,
    Opcode.OPENDIR: _opendir,
    Opcode.READDIRPLUS: _readdir,
    Opcode.RELEASEDIR: _releasedir,
    Opcode.FSYNCDIR: _fsyncdir,
    Opcode.STATFS: _statfs,
    Opcode.GETXATTR: _getxattr,
    Opcode.LISTXATTR: _listxattr,
    Opcode.ACCESS: _access,
    Opcode.POLL: _poll,
    Opcode.DESTROY: _destroy,
    **dict.fromkeys(_WRITES, _write),
}
