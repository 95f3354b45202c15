"""A command on a machine that has nothing but a join secret, such as a job of CI: a home for this command alone.

Laws: the secret comes from ENVFS_JOIN, or from the file that ENVFS_JOIN_FILE names, and no program that is started
inherits either. With it nothing else of this machine counts. Its identity is in memory and in no file. The home, with
the sealed records and the engine's keys, is in memory where there is room, and the daemon removes it as it ends.
"""

import os
import shutil
from contextlib import suppress

from envfs import locations
from envfs.errors import EnvFSError, NotApproved
from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.daemon import environment_secret, launch
from envfs_cli.daemon.join_secret import MOST_LETTERS, JoinSecret, parse_join_secret
from envfs_cli.terminal.prompts import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, Protocol, TypeVar

    class Asks(Protocol):
        """A connection to a daemon."""

        def ask(self, request: NamedTuple, descriptors: tuple[int, ...]) -> tuple[object, bytes]:
            """Send a request, and return the reply."""

    AnyLink = TypeVar("AnyLink", bound=Asks)

_ROOM = 64 << 20  # bytes that are free where a home is put in memory
_held: "list[JoinSecret]" = []  # the one of this process, for each daemon that it starts


def reach_as_machine(link_to: "Callable[[_socket.socket], AnyLink]") -> "AnyLink":
    """Start a daemon for this command, which takes part in the vault that the join secret names. Return a link to it.

    Raises:
        NotApproved: the vault, or its engine, does not have this machine any more
        StoreUnavailable: the engine is out of reach
        EnvFSError: there is no join secret where the environment says
    """
    if not _held:
        _held.append(_take())
    secret, home = _held[0], _new_home()
    try:
        engine = _unpack(secret, home)
        places = locations.find_locations({"ENVFS_HOME": home}, os.geteuid(), home)
        link = link_to(launch.connect_to_started(places, -1, looks=False, passing=True))
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    request = control.EnterVault(
        *(engine, secret.vault, secret.created, secret.recipient, secret.signing_key, secret.seq, secret.digest)
    )
    identity = secrets.from_bytes(f"{secret.identity}\n".encode())
    try:
        with Waiting("fetching the vault"):
            reply, _ = link.ask(request, (identity,))
    finally:
        os.close(identity)
    for text in reply.notes if isinstance(reply, control.Done) else ():
        output.note(f"a record that the engine has is refused: {output.clean(text)}")
    return link


def _take() -> JoinSecret:
    text, path = environment_secret.take_secret("ENVFS_JOIN") or "", os.environ.pop("ENVFS_JOIN_FILE", "")
    if not text and path:
        descriptor = secrets.from_file(path, "the join secret", MOST_LETTERS)
        try:
            text = os.pread(descriptor, MOST_LETTERS, 0).decode("ascii", "replace")
        finally:
            os.close(descriptor)
    if not text.strip():
        raise NotApproved("the join secret is empty", "unset ENVFS_JOIN and ENVFS_JOIN_FILE, or put one there")
    return parse_join_secret(text)


def _new_home() -> str:
    for folder in _folders():
        home = f"{folder}/envfs-{os.getpid()}-{os.urandom(8).hex()}"
        with suppress(OSError):
            os.mkdir(home, 0o700)
            return home
    raise EnvFSError("there is no folder for what the engine gives", "set TMPDIR to one that can be written")


def _folders() -> "Iterator[str]":
    for folder in (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108 - a folder of its own in there
        with suppress(OSError):
            room = os.statvfs(folder) if folder.startswith("/") else None
            if room is not None and room.f_bavail * room.f_frsize >= _ROOM:
                yield folder
    yield from filter(None, (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp"))  # noqa: S108 - the same


def _unpack(secret: JoinSecret, home: str) -> str:
    # returns the address with the files where they are now
    if not secret.files:
        return secret.engine
    folder = f"{home}/engine"
    os.mkdir(folder, 0o700)
    for name, text in secret.files.items():
        handle = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    return secret.engine + "?" + "&".join(f"{name}={folder}/{name}" for name in secret.files)
