"""A daemon is given descriptors, a session of its own, and no more of the environment than it needs."""

import _socket  # as in `client`
import os
import sys

from envfs import interpreter, safe_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from envfs.locations import Locations

_NEEDED = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "CREDENTIALS_DIRECTORY",
    ),
    *("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "DBUS_SESSION_BUS_ADDRESS"),
    *("DISPLAY", "WAYLAND_DISPLAY", "ENVFS_HOME", "ENVFS_WATCHDOG", "SSH_AUTH_SOCK"),
)
_NEEDED_BEGIN = ("XDG_", "LC_", "AGE")


def connect_to_started(mine: "Locations", lock: int, *, looks: bool, passing: bool = False) -> "_socket.socket":
    """Start a daemon that serves one connection, and return the other end of that."""
    from envfs_cli.process import forking

    ours, theirs = (each.detach() for each in _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM))
    between = forking.fork()
    if between == 0:
        start_daemon(mine, theirs, lock, looks=looks, passing=passing)
    os.waitpid(between, 0)
    os.close(theirs)
    return _socket.socket(fileno=ours)


def start_daemon(mine: "Locations", connection: int, lock: int, *, looks: bool, passing: bool = False) -> "NoReturn":
    """Start a daemon that serves one connection. For a child that ends, as its parent is to have no other children."""
    try:
        os.set_inheritable(connection, True)
        command = interpreter.start_command("envfs.daemon.__main__", "answer", str(connection))
        if lock >= 0:
            os.set_inheritable(lock, True)
            command += ["--lock", str(lock)]
        command += [*(["--look"] if looks else []), *(["--passing"] if passing else [])]
        log = _open_log(mine)
        nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        actions = [nothing, (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        # in a session of its own: the keys of the terminal are for the command alone
        environment = daemon_environment(mine) | ({"ENVFS_HOME": mine.home} if passing else {})
        os.posix_spawn(sys.executable, command, environment, setsid=True, file_actions=actions)
        os._exit(0)
    finally:
        os._exit(1)


def _open_log(mine: "Locations") -> int:
    # what the daemon prints goes where one in the background prints: the caller's own output is not kept open by it
    try:
        log = safe_open.open_file(mine.daemon_log, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return log


def daemon_environment(mine: "Locations") -> "dict[str, str]":
    """Return what a daemon needs of this process's environment. The rest may hold secrets, or a project's settings."""
    needed = {name: value for name, value in os.environ.items() if name in _NEEDED or name.startswith(_NEEDED_BEGIN)}
    if needed.get("ENVFS_HOME"):
        needed["ENVFS_HOME"] = mine.home  # absolute: the daemon has another folder
    return needed
