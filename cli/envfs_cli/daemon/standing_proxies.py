"""A session of the proxy without a command: for a shell, an editor, several programs in turn.

A process of its own holds it: the session ends with that, and it ends with the session or when the time is over. Laws:
it has placeholders, a token and certificates, and no value. The environment that others take over lies in its memory
alone, and is read by its user from /proc.
"""

import _socket
import os
import time

from envfs import safe_open
from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import control
from envfs_cli import exit_status, output
from envfs_cli.daemon import new_proxies
from envfs_cli.process import forking, shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "envfs-proxy-environment"
_LOOK_SECONDS = 2.0
_NAME_BYTES = 64
_LARGEST = 1 << 22  # bytes of an environment


def start_standing(
    level: str, shown: "new_proxies.ShownVariables", seconds: int, reason: str, passphrase_file: "str | None"
) -> "tuple[str, int]":
    """Start a session that stands for so many seconds. Return its name, or none and the status of what was refused.

    The process that tried has said why.
    """
    reading, writing = os.pipe()
    child = forking.fork()
    if child == 0:
        os.close(reading)
        _hold(level, shown, seconds, reason, passphrase_file, writing)
    os.close(writing)
    name = os.read(reading, _NAME_BYTES).decode()  # nothing, where it ended before it had one
    os.close(reading)
    return (name, 0) if name else ("", exit_status.of_child(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _hold(
    level: str,
    shown: "new_proxies.ShownVariables",
    seconds: int,
    reason: str,
    passphrase_file: "str | None",
    writing: int,
) -> None:
    # never returns: this is the process with which the session ends
    status = exit_status.BUG
    try:
        opened = new_proxies.open_session(level, shown, reason, passphrase_file)
        shared_memory.share_bytes(_NAME, opened.variables)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.write(writing, opened.session.encode())
        os.close(writing)
        os.chdir("/")
        _wait(opened.port, seconds)
        status = 0
    except EnvFSError as error:
        output.error(error)
        status = error.status
    finally:
        os._exit(status)


def _wait(port: int, seconds: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and _listens(port):
        time.sleep(_LOOK_SECONDS)


def _listens(port: int) -> bool:
    link = _socket.socket()
    try:
        link.connect(("127.0.0.1", port))
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    finally:
        link.close()
    return True


def standing_environment(rows: "list[control.ProxyRow]", name: str) -> "list[tuple[str, str]]":
    """Return the variables of a session that stands.

    Raises:
        BadRequest: there is none of that name, or it is a command's or another user's
    """
    row = next((row for row in rows if row.session == name and row.uid == os.getuid()), None)
    content = b"".join(_contents(row.pid)) if row is not None else b""
    if not content:
        raise BadRequest(f"{name} is no session of yours without a command", "`envfs proxy ls` lists them")
    pairs = (entry.partition(b"=") for entry in content.split(b"\0")[:-1])
    return [(os.fsdecode(variable), os.fsdecode(value)) for variable, _, value in pairs]


def _contents(pid: int) -> "Iterator[bytes]":
    folder = f"/proc/{pid}/fd"
    try:
        for number in os.listdir(folder):
            if os.readlink(f"{folder}/{number}").startswith(f"/memfd:{_NAME}"):
                yield safe_open.read_file(f"{folder}/{number}", _LARGEST, follow=True)
                return
    except OSError:
        return


def shell_lines(variables: "list[tuple[str, str]]") -> "Iterator[str]":
    """Yield the commands by which a shell takes variables over."""
    for name, value in variables:
        if _is_shell_name(name):
            quoted = value.replace("'", "'\\''")
            yield f"export {name}='{quoted}'"


def unsetting_lines(variables: "list[tuple[str, str]]") -> "Iterator[str]":
    """Yield the commands by which a shell gives variables up."""
    return (f"unset {name}" for name, _ in variables if _is_shell_name(name))


def _is_shell_name(name: str) -> bool:
    return name.isidentifier() and name.isascii()
