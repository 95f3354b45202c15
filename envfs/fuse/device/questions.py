"""The kernel's questions: each is read, given to its handler, and becomes the bytes of its answer.

Laws: what nothing here knows is ENOSYS, at which the kernel does without it. An interrupt is not passed on: the caller
of an interrupted question waits for its answer, and a handler that waits looks for the signal itself.
"""

import errno
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

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
Body = bytes | bytearray | memoryview


_GETXATTR_IN = 8  # bytes before the name


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
    async def read(self, fh: int, off: int, size: int) -> Body: ...  # noqa: D102
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


_Ask = Callable[[Handlers, KernelQuestion], Awaitable[Any]]
_Pack = Callable[[Any, KernelQuestion], Body]


async def answer(handlers: Handlers, question: KernelQuestion) -> Body | None:
    """Return what a handler answers, as bytes behind the header. None for a question that gets no answer.

    Raises:
        FUSEError: it is refused
    """
    ask, pack = _ANSWERS.get(question.opcode, (_ask_nobody, _nothing))
    answered = await ask(handlers, question)
    return None if question.opcode in _WITHOUT_ANSWER else pack(answered, question)


# -- asking a handler --------------------------------------------------------------------------------------------------


async def _ask_nobody(_handlers: Handlers, question: KernelQuestion) -> None:
    if question.opcode not in (Opcode.DESTROY, Opcode.INTERRUPT):
        raise FUSEError(errno.ENOSYS)


async def _init(handlers: Handlers, question: KernelQuestion) -> bytes:
    major, _, read_ahead, offered = INIT_IN.unpack_from(question.words)
    if major != VERSION[0] or not offered & DO_READDIRPLUS:  # Linux 3.9
        raise FUSEError(errno.EPROTO)
    flags = offered & (_WANTED | POSIX_ACL * handlers.enable_acl)
    return INIT_OUT.pack(*VERSION, min(read_ahead, _MOST_READ_AHEAD), flags, 0, 0, _MOST_WRITTEN, 1, _PAGES, 0)


def _lookup(handlers: Handlers, question: KernelQuestion) -> Awaitable[EntryAttributes]:
    return handlers.lookup(question.inode, _name(question.words), question.context)


def _forget(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    return handlers.forget([(question.inode, *HANDLE_IN.unpack_from(question.words))])


def _forget_many(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    count, first = BATCH_IN.unpack_from(question.words)[0], BATCH_IN.size
    return handlers.forget([*FORGET_ONE.iter_unpack(question.words[first : first + count * FORGET_ONE.size])])


def _getattr(handlers: Handlers, question: KernelQuestion) -> Awaitable[EntryAttributes]:
    return handlers.getattr(question.inode, question.context)


def _setattr(handlers: Handlers, question: KernelQuestion) -> Awaitable[EntryAttributes]:
    bits, _, handle = SETATTR_IN.unpack_from(question.words)
    groups = (SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_ATIME | SET_ATIME_NOW, SET_MTIME | SET_MTIME_NOW)
    fields = SetattrFields(*(bool(bits & group) for group in groups))
    return handlers.setattr(question.inode, fields, handle if bits & SET_HANDLE else None, question.context)


def _readlink(handlers: Handlers, question: KernelQuestion) -> Awaitable[bytes]:
    return handlers.readlink(question.inode, question.context)


def _write(handlers: Handlers, _question: KernelQuestion) -> Awaitable[None]:
    return handlers.write()


def _open(handlers: Handlers, question: KernelQuestion) -> Awaitable[FileInfo]:
    return handlers.open(question.inode, FLAGS_IN.unpack_from(question.words)[0], question.context)


def _read(handlers: Handlers, question: KernelQuestion) -> Awaitable[Body]:
    return handlers.read(*READ_IN.unpack_from(question.words))


def _release(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    return handlers.release(*HANDLE_IN.unpack_from(question.words))


def _flush(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    return handlers.flush(*HANDLE_IN.unpack_from(question.words))


def _fsync(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    handle, flags = FSYNC_IN.unpack_from(question.words)
    return handlers.fsync(handle, bool(flags & _FSYNC_DATA))


def _opendir(handlers: Handlers, question: KernelQuestion) -> Awaitable[int]:
    return handlers.opendir(question.inode, question.context)


async def _readdir(handlers: Handlers, question: KernelQuestion) -> bytearray:
    handle, start, size = READ_IN.unpack_from(question.words)
    token = replies.ReaddirToken(size)
    await handlers.readdir(handle, start, token)
    return token.filled


def _releasedir(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    return handlers.releasedir(*HANDLE_IN.unpack_from(question.words))


def _fsyncdir(handlers: Handlers, question: KernelQuestion) -> Awaitable[None]:
    handle, flags = FSYNC_IN.unpack_from(question.words)
    return handlers.fsyncdir(handle, bool(flags & _FSYNC_DATA))


def _statfs(handlers: Handlers, question: KernelQuestion) -> Awaitable[FileSystemRoom]:
    return handlers.statfs(question.context)


def _getxattr(handlers: Handlers, question: KernelQuestion) -> Awaitable[bytes]:
    return handlers.getxattr(question.inode, _name(question.words[_GETXATTR_IN:]), question.context)


def _listxattr(handlers: Handlers, question: KernelQuestion) -> Awaitable[Sequence[bytes]]:
    return handlers.listxattr(question.inode, question.context)


def _access(handlers: Handlers, question: KernelQuestion) -> Awaitable[bool]:
    return handlers.access(question.inode, FLAGS_IN.unpack_from(question.words)[0], question.context)


def _poll(handlers: Handlers, question: KernelQuestion) -> Awaitable[int]:
    return handlers.poll(question.inode, POLL_IN.unpack_from(question.words)[0], question.context)


# -- what it answered, as bytes ----------------------------------------------------------------------------------------


def _nothing(_answered: None, _question: KernelQuestion) -> bytes:
    return b""


def _itself(answered: Body, _question: KernelQuestion) -> Body:
    return answered


def _entry(answered: EntryAttributes, _question: KernelQuestion) -> bytes:
    return replies.entry(answered)


def _attributes(answered: EntryAttributes, _question: KernelQuestion) -> bytes:
    return replies.attributes(answered)


def _file(answered: FileInfo, _question: KernelQuestion) -> bytes:
    return replies.opened(answered)


def _folder(answered: int, _question: KernelQuestion) -> bytes:
    return replies.opened(FileInfo(answered))


def _room(answered: FileSystemRoom, _question: KernelQuestion) -> bytes:
    return replies.room(answered)


def _number(answered: int, _question: KernelQuestion) -> bytes:
    return HANDLE_IN.pack(answered)


def _allowed(answered: bool, _question: KernelQuestion) -> bytes:
    if not answered:
        raise FUSEError(errno.EACCES)
    return b""


def _names(answered: Sequence[bytes], question: KernelQuestion) -> bytes:
    return _sized(b"".join(name + b"\0" for name in answered), question)


def _name(words: bytes) -> bytes:
    return words[: words.index(0)]


def _sized(value: bytes, question: KernelQuestion) -> bytes:
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
_WITHOUT_ANSWER = (Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT)
_ANSWERS: Final[Mapping[int, tuple[_Ask, _Pack]]] = {  # the handler that is asked, and how its answer is told
    Opcode.INIT: (_init, _itself),
    Opcode.LOOKUP: (_lookup, _entry),
    Opcode.FORGET: (_forget, _nothing),
    Opcode.BATCH_FORGET: (_forget_many, _nothing),
    Opcode.GETATTR: (_getattr, _attributes),
    Opcode.SETATTR: (_setattr, _attributes),
    Opcode.READLINK: (_readlink, _itself),
    Opcode.OPEN: (_open, _file),
    Opcode.READ: (_read, _itself),
    Opcode.RELEASE: (_release, _nothing),
    Opcode.FLUSH: (_flush, _nothing),
    Opcode.FSYNC: (_fsync, _nothing),
    Opcode.OPENDIR: (_opendir, _folder),
    Opcode.READDIRPLUS: (_readdir, _itself),
    Opcode.RELEASEDIR: (_releasedir, _nothing),
    Opcode.FSYNCDIR: (_fsyncdir, _nothing),
    Opcode.STATFS: (_statfs, _room),
    Opcode.GETXATTR: (_getxattr, _sized),
    Opcode.LISTXATTR: (_listxattr, _names),
    Opcode.ACCESS: (_access, _allowed),
    Opcode.POLL: (_poll, _number),
    **dict.fromkeys(_WRITES, (_write, _nothing)),
}
