"""Files by key below a folder of a server of SFTP: the steps that the verbs are made of.

Laws: a record appears whole or not at all (a file of another name, its bytes, fsync, a second name that must be new),
and never changes. Where a server has no hard links, a rename that must not replace anything gives the name. A killed
writer leaves nothing, or a file that starts with `.new-`.
"""

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial

from envfs.core import limits
from envfs.courier.engines.sftp.packets import Code, FileFacts, Flag, Kind, attributes, number, offset, text
from envfs.courier.engines.sftp.session import RequestRefused, SftpSession, all_of
from envfs.courier.questions import nonsense
from envfs.errors import StoreUnavailable
from envfs.host.keyed_files import TEMPORARY

FSYNC, HARD_LINK, REPLACE = "fsync@openssh.com", "hardlink@openssh.com", "posix-rename@openssh.com"
_LISTED_AT_ONCE = 8
_MOST_NAMES = 1_000_000  # in one folder
_RECORD_MODE, _ERASABLE_MODE = 0o444, 0o600


async def fetch_file(session: SftpSession, path: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        RequestRefused: it cannot be read
        StoreUnavailable: it is over the limit of a record
    """
    data = b""
    async with _opened(session, path, Flag.READ) as handle:
        while True:
            place = text(handle) + offset(len(data)) + number(session.read_bytes)
            try:
                piece = (await session.ask(Kind.READ, place, Kind.DATA)).text()
            except RequestRefused as error:
                if error.code != Code.END:
                    raise
                return data
            data += piece
            if len(data) > limits.RECORD_BYTES:
                raise StoreUnavailable(f"{path} is over the limit of a record")
            if len(piece) < session.read_bytes:  # of a file that is so only at its end
                return data


async def send_new_file(session: SftpSession, path: str, data: bytes) -> bool:
    """Store bytes in a new file. False, and nothing changed, if there is one. They are on the disk in both cases.

    Raises:
        RequestRefused: it cannot be written, or there is no such folder
    """
    folder = os.path.dirname(path)
    temporary = f"{folder}/{TEMPORARY}{os.urandom(8).hex()}"
    try:
        async with _opened(session, temporary, Flag.NEW, mode=_RECORD_MODE) as handle:
            await _write(session, handle, data)
            await _sync(session, handle)
            is_new = await _give_name(session, temporary, path)
    finally:
        with suppress(StoreUnavailable):
            session.post(Kind.REMOVE, text(temporary))
    await sync_names(session, folder)
    return is_new


async def _give_name(session: SftpSession, temporary: str, path: str) -> bool:
    try:
        if HARD_LINK in session.extensions:
            await session.extended(HARD_LINK, text(temporary) + text(path))
        else:
            await session.ask(Kind.RENAME, text(temporary) + text(path))
    except RequestRefused:
        if await facts_of(session, path) is None:
            raise
        return False
    return True


async def empty_file(session: SftpSession, path: str) -> None:
    """Put an empty file in the place of one, and overwrite what stood there. One that is not there is no error.

    Raises:
        RequestRefused: this member may not
    """
    try:
        await session.ask(Kind.SETSTAT, text(path) + attributes(mode=_ERASABLE_MODE))
    except RequestRefused as error:
        if error.code == Code.NO_SUCH_FILE:
            return
        raise
    if REPLACE in session.extensions:
        await _replace_by_nothing(session, path)
    else:  # its bytes go back to the server's disk as they are
        async with _opened(session, path, Flag.WRITE) as handle:
            await session.ask(Kind.FSETSTAT, text(handle) + attributes(size=0))
            await _sync(session, handle)
        await session.ask(Kind.SETSTAT, text(path) + attributes(mode=_RECORD_MODE))
    await sync_names(session, os.path.dirname(path))


async def can_be_changed(session: SftpSession, path: str) -> bool:
    """Tell whether a file can be opened to be written, as root can whatever its mode is."""
    try:
        async with _opened(session, path, Flag.WRITE):
            return True
    except RequestRefused:
        return False


async def _replace_by_nothing(session: SftpSession, path: str) -> None:
    size = (await _facts(session, path)).size
    temporary = await _new_empty_file(session, os.path.dirname(path))
    try:
        async with _opened(session, path, Flag.WRITE) as handle:
            await session.extended(REPLACE, text(temporary) + text(path))
            await _write(session, handle, bytes(min(size, limits.RECORD_BYTES)))
            await _sync(session, handle)
            await session.ask(Kind.FSETSTAT, text(handle) + attributes(size=0))
            await _sync(session, handle)
    finally:
        with suppress(StoreUnavailable):
            session.post(Kind.REMOVE, text(temporary))


async def _new_empty_file(session: SftpSession, folder: str) -> str:
    path = f"{folder}/{TEMPORARY}{os.urandom(8).hex()}"
    async with _opened(session, path, Flag.NEW, mode=_RECORD_MODE):
        return path


async def make_remote_folders(session: SftpSession, root: str, parts: Iterable[str], mode: int | None = None) -> None:
    """Make folders below `root`, which is there, one in the other. Those that are there stay as they are.

    Raises:
        RequestRefused: `root` is not there, or one cannot be made
    """
    path = root
    for part in parts:
        above, path = path, f"{path.rstrip('/')}/{part}"
        try:
            await session.ask(Kind.MKDIR, text(path) + attributes(mode=mode))
        except RequestRefused:
            if await facts_of(session, path) is None:
                raise
        else:
            await sync_names(session, above)


async def list_folder(session: SftpSession, path: str) -> list[tuple[str, FileFacts]]:
    """Return the names in a folder, with the facts of each. One that is not there has none.

    Raises:
        RequestRefused: it cannot be listed
    """
    entries: list[tuple[str, FileFacts]] = []
    try:
        async with _held(session, Kind.OPENDIR, text(path)) as handle:
            at_once = 1
            while await _list_some(session, handle, entries, at_once):
                at_once = _LISTED_AT_ONCE
                if len(entries) > _MOST_NAMES:
                    raise nonsense()
    except RequestRefused as error:
        if error.code != Code.NO_SUCH_FILE:
            raise
    return [(name, facts) for name, facts in entries if name not in (".", "..")]


async def _list_some(session: SftpSession, handle: bytes, entries: list[tuple[str, FileFacts]], at_once: int) -> bool:
    ends: list[RequestRefused] = []

    async def ask() -> None:
        try:
            body = await session.ask(Kind.READDIR, text(handle), Kind.NAME)
        except RequestRefused as error:
            ends.append(error)
            return
        for _ in range(body.number()):
            name = body.text().decode("utf-8", "replace")
            body.text()  # the line of a listing, for people
            entries.append((name, body.facts()))

    await all_of(ask for _ in range(at_once))
    for end in ends:
        if end.code != Code.END:
            raise end
    return not ends


async def facts_of(session: SftpSession, path: str) -> FileFacts | None:
    """Return the facts of a file or a folder. None: it is not there.

    Raises:
        RequestRefused: nobody may look
    """
    try:
        return await _facts(session, path)
    except RequestRefused as error:
        if error.code == Code.NO_SUCH_FILE:
            return None
        raise


async def _facts(session: SftpSession, path: str) -> FileFacts:
    return (await session.ask(Kind.STAT, text(path), Kind.ATTRS)).facts()


async def sync_names(session: SftpSession, path: str) -> None:
    """Have the names in a folder on the server's disk, where it can do that: OpenSSH opens a folder as a file."""
    if FSYNC in session.extensions:
        with suppress(RequestRefused):
            async with _opened(session, path or ".", Flag.READ) as handle:
                await _sync(session, handle)


def _opened(session: SftpSession, path: str, flag: Flag, mode: int | None = None) -> AbstractAsyncContextManager[bytes]:
    return _held(session, Kind.OPEN, text(path) + number(flag) + attributes(mode=mode))


@asynccontextmanager
async def _held(session: SftpSession, kind: Kind, request: bytes) -> AsyncGenerator[bytes, None]:
    async with session.handles:
        handle = (await session.ask(kind, request, Kind.HANDLE)).text()
        try:
            yield handle
        finally:
            with suppress(StoreUnavailable):
                session.post(Kind.CLOSE, text(handle))


async def _write(session: SftpSession, handle: bytes, data: bytes) -> None:
    size = session.write_bytes
    pieces = [text(handle) + offset(at) + text(data[at : at + size]) for at in range(0, len(data), size)]
    await all_of(partial(session.ask, Kind.WRITE, piece) for piece in pieces)


async def _sync(session: SftpSession, handle: bytes) -> None:
    if FSYNC in session.extensions:
        await session.extended(FSYNC, text(handle))
