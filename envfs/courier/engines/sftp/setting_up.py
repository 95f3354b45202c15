"""The administrator's part of a folder that is reached by SFTP: it is made, and tried whether a name is given once.

Law: what is tried leaves no record behind. Two connections give one name at the same time, and one of them has to win.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from envfs.courier.address import Address
from envfs.courier.engines.sftp import files
from envfs.courier.engines.sftp.engine import SftpEngine
from envfs.courier.engines.sftp.packets import Code, Kind, attributes, text
from envfs.courier.engines.sftp.session import RequestRefused, SftpSession, all_of
from envfs.courier.engines.sftp.watching import LOOK_SECONDS
from envfs.courier.engines.ssh.command import remote_path
from envfs.errors import StoreUnavailable
from envfs.host.keyed_files import TEMPORARY

_SECONDS = 60.0
_ROUNDS = 4
DENIED = "remove,rename,posix-rename,rmdir,setstat,fsetstat,lsetstat,symlink"
_READY = """\
The folder {path} on {host} is ready.
A record in it is written once: of two of the same name at the same time the
server took one, and refused the other one.
The server reports no changes. Each machine asks for them every {seconds:.0f} s.
"""
_REFUSES = "It refuses to remove and to change a record, so members add and read alone.\n"
_ALLOWS = f"""\
A member who may write to the folder can remove and replace records too. The
mirrors of the others notice it, and put back the records that they have.
OpenSSH refuses that to members, if sshd_config says for their user:
  ForceCommand internal-sftp -P {DENIED}
"""
_NOT_SYNCED = """\
The server cannot say when a record is on its disk. One that it acknowledged
shortly before a power cut may be gone, and the mirrors put it back.
"""


async def set_up(address: Address) -> str:
    """Make a folder, and try it. Return what its administrator has to know.

    Raises:
        StoreUnavailable: it cannot be written, or a name is given twice there
        NotApproved: this user may not write there
    """
    engines = SftpEngine(address), SftpEngine(address)
    root = remote_path(address)
    try:
        with trio.fail_after(_SECONDS):
            await engines[0].in_session(_make_root, root)
            for _ in range(_ROUNDS):
                await _race(engines, f"{root}/{TEMPORARY}probe-{os.urandom(6).hex()}", address.host)
            return await engines[0].in_session(_said, address)
    except trio.TooSlowError:
        raise StoreUnavailable(f"{address.host} does not answer") from None
    finally:
        for engine in engines:
            await engine.close()


async def _make_root(session: SftpSession, root: str) -> None:
    above = "/" if root.startswith("/") else "."
    await files.make_remote_folders(session, above, root.strip("/").split("/"), 0o700)


async def _race(engines: tuple[SftpEngine, SftpEngine], path: str, host: str) -> None:
    answers: dict[bytes, bool] = {}

    async def store(engine: SftpEngine, data: bytes) -> None:
        answers[data] = await engine.in_session(files.send_new_file, path, data)

    await all_of(partial(store, engine, data) for engine, data in zip(engines, (b"one", b"other"), strict=True))
    content = await engines[0].in_session(_content, path)
    await engines[0].in_session(_is_refused, Kind.REMOVE, text(path))
    if [data for data, is_new in answers.items() if is_new] != [content]:
        raise StoreUnavailable(
            f"{host} gives a name twice", "choose a folder on another server, or another file system"
        )


async def _content(session: SftpSession, path: str) -> bytes | None:
    is_there = await files.facts_of(session, path) is not None
    return await files.fetch_file(session, path) if is_there else None


async def _said(session: SftpSession, address: Address) -> str:
    path = f"{remote_path(address)}/{TEMPORARY}probe-{os.urandom(6).hex()}"
    await files.send_new_file(session, path, b"x")
    tries: list[Callable[[], Awaitable[bool]]] = [
        partial(_is_refused, session, Kind.SETSTAT, text(path) + attributes(mode=0o600)),
        partial(_is_refused, session, Kind.RENAME, text(path) + text(f"{path}-2")),
        partial(_is_refused, session, Kind.REMOVE, text(path)),
        partial(_is_refused, session, Kind.REMOVE, text(f"{path}-2")),
    ]
    enforced = [not await files.can_be_changed(session, path), *[await is_refused() for is_refused in tries]]
    parts = [_READY.format(path=address.path, host=address.host, seconds=LOOK_SECONDS)]
    parts.append(_REFUSES if all(enforced) else _ALLOWS)
    return "".join(parts) + ("" if files.FSYNC in session.extensions else _NOT_SYNCED)


async def _is_refused(session: SftpSession, kind: Kind, body: bytes) -> bool:
    try:
        await session.ask(kind, body)
    except RequestRefused as error:
        return error.code == Code.PERMISSION_DENIED
    return False
