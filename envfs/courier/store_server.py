"""`envfs store-serve DIR`: serves a folder to one member, on standard input and output, as ssh starts it.

Laws: it serves that folder and nothing else, whatever the client asks for. With `--append-only` nothing is erased. Its
memory, and what a client can have at once, are bounded. It has no key, and ends when the client has left.
"""

import os
import resource
import shlex
import signal
import sys
from contextlib import suppress

import trio

from envfs.core import limits, shared_keys
from envfs.courier.engine import Engine
from envfs.courier.engines.folder import FolderEngine
from envfs.courier.serving import EngineServer
from envfs.courier.streams import MessageStream
from envfs.errors import BadRequest, EnvFSError, NotApproved
from envfs.host import surprises
from envfs.host.process import hardening, landlock
from envfs.protocol.courier_requests import REQUESTS, VERSION, BeginServer, ServerBegun, failure_of

_APPEND_ONLY = "--append-only"
_MEMORY = 1 << 30
_LARGEST_FILE = limits.RECORD_BYTES + (1 << 16)
_GREETING_SECONDS = 60.0
_ORIGINAL = "SSH_ORIGINAL_COMMAND"


class AppendingEngine(FolderEngine):
    """A folder to which records are added, and from which none is taken away."""

    async def erase(self, key: str) -> None:
        """Refuse.

        Raises:
            BadName: it is no key
            NotApproved: always else
        """
        shared_keys.check_shared_key(key)
        raise NotApproved("this member adds records and reads them, and takes none away")


def main() -> int:
    """Serve the folder that the arguments name. Returns an exit status."""
    hardening.harden()
    hardening.give_up_privileges()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        append_only, folder = parse_words(sys.argv[1:], os.environ.get(_ORIGINAL))
        _check_folder(folder)
        _limit_itself(folder)
        trio.run(serve_folder, folder, append_only)
    except EnvFSError as error:
        with suppress(OSError):  # nobody hears it: the status says the same
            os.write(2, f"envfs: error: {error.text}\n".encode())
        return error.status
    except BaseException as error:  # noqa: BLE001 - this is where a surprise ends
        surprises.report_bug(error)
        return 1
    return 0


def parse_words(words: list[str], original: str | None) -> tuple[bool, str]:
    """Return whether nothing may be erased, and the folder, as a path from / on.

    `original` is the command that a client of ssh asked for, where a line of authorized_keys has another one.

    Raises:
        BadRequest: the words are others, or the client asked for something else
    """
    append_only, folder = _APPEND_ONLY in words, [word for word in words if word != _APPEND_ONLY]
    if len(folder) != 1 or folder[0].startswith("-"):
        raise BadRequest("store-serve takes one folder")
    path = os.path.realpath(folder[0])
    if original is not None:
        _check_original(original, path)
    return append_only, path


def _check_original(original: str, path: str) -> None:
    try:
        words = shlex.split(original)
    except ValueError:
        words = []
    if words[:2] != ["envfs", "store-serve"]:
        raise BadRequest("this key of ssh is for a shared vault, and for no other command")
    if len(words) != 3 or os.path.realpath(words[2]) != path:  # noqa: PLR2004 - the folder is the third word
        raise BadRequest("this key of ssh is for another folder", "the address names the folder of the server's line")


def _check_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        raise BadRequest("the folder of the shared vault is not there", "envfs store init makes it")


def _limit_itself(folder: str) -> None:
    for kind, amount in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (limit, limit))
    readable = ("/usr", "/lib", "/lib64", "/etc", sys.prefix, sys.base_prefix, *filter(os.path.isabs, sys.path))
    landlock.confine_landlock(readable, (folder, "/dev/null"))


async def serve_folder(folder: str, append_only: bool) -> None:
    """Serve a folder on standard input and output until the client has left."""
    pipes = trio.StapledStream(trio.lowlevel.FdStream(os.dup(1)), trio.lowlevel.FdStream(os.dup(0)))
    stream = MessageStream(pipes, REQUESTS, limits.RECORD_BYTES)
    engine = AppendingEngine(folder) if append_only else FolderEngine(folder)
    try:
        await _greet(stream, append_only=append_only)
        await serve_until_left(engine, stream)
    except EnvFSError as error:
        await stream.send(failure_of(0, error))


async def _greet(stream: MessageStream, *, append_only: bool) -> None:
    with trio.move_on_after(_GREETING_SECONDS):
        packet = await stream.receive()
        if packet is not None and isinstance(packet.message, BeginServer):
            await stream.send(ServerBegun(VERSION, append_only))
            return
    raise BadRequest("a client of envfs has to speak here")


async def serve_until_left(engine: Engine, stream: MessageStream) -> None:
    """Serve an engine, and let go of it."""
    try:
        await EngineServer(engine, stream).run()
    finally:
        await engine.close()
