"""A daemon in the background: started, waited for until it serves, and told apart from one that ended before it did."""

import os
import select
import signal
import sys

from envfs import safe_open
from envfs.core import limits
from envfs.errors import MountFailed, TimedOut, WrongPassphrase, from_code
from envfs.protocol import control, framing, wire
from envfs_cli.daemon import launch
from envfs_cli.process import forking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.locations import Locations

_START_SECONDS = 120  # a passphrase takes a second, and a keyring may wait for a person


def start_in_background(command: "list[str]", mine: "Locations") -> "tuple[str, ...]":
    """Start a daemon that serves. Return where it is mounted, and what it says beside that.

    Raises:
        MountFailed: it ended before it served
        TimedOut: it does not serve after two minutes
        EnvFSError: it refuses to serve, and says why
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = forking.fork()
    if child == 0:
        _become_daemon([*command, "--ready", str(writing)], mine)
    os.close(writing)
    answer = _read_all(reading, child, mine)
    decoder = framing.Decoder(0, limits.REPLY_BYTES)
    decoder.feed(answer)
    frame = decoder.next()
    if frame is None:
        raise MountFailed("the daemon ended before it served", f"look into {mine.daemon_log}")
    message = wire.from_body(frame[0], control.REPLIES)
    if isinstance(message, control.Failed):
        error = from_code(*message)
        if isinstance(error, WrongPassphrase) and not error.hint:
            error.hint = "try again"
        raise error
    return message.notes if isinstance(message, control.Done) else ("",)


def _become_daemon(command: "list[str]", mine: "Locations") -> None:
    try:
        os.setsid()
        os.makedirs(os.path.dirname(mine.daemon_log), 0o700, exist_ok=True)
        target = _daemon_log(mine.daemon_log)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.execve(sys.executable, command, launch.daemon_environment(mine))  # noqa: S606
    finally:
        os._exit(126)


def _daemon_log(path: str) -> int:
    # what stands there and cannot be written must not keep the daemon from its work
    try:
        handle = safe_open.open_file(path, os.O_WRONLY | os.O_CREAT)
        os.ftruncate(handle, 0)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return handle


def _read_all(handle: int, child: int, mine: "Locations") -> bytes:
    data, poll = b"", select.poll()
    poll.register(handle, select.POLLIN)
    try:
        while poll.poll(_START_SECONDS * 1000):
            chunk = os.read(handle, 4096)
            if not chunk:
                return data
            data += chunk
    finally:
        os.close(handle)
    os.kill(child, signal.SIGKILL)
    raise TimedOut(f"the daemon did not start in {_START_SECONDS} s", f"look into {mine.daemon_log}")
