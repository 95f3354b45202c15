"""`mount`, `unmount`, `unlock`, `lock`: the daemon's life."""

import os
import select
import signal
import sys
import time

from envfs.core import limits
from envfs.errors import AlreadyExists, MountFailed, NoVault, TimedOut, WrongPassphrase, from_code
from envfs.protocol import control, framing, wire
from envfs_cli import link as links
from envfs_cli import output, secrets, session, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_START_SECONDS = 120  # a passphrase takes a second, and a keyring may wait for a person
_UNMOUNT_SECONDS = 10.0
_STEP = 0.02


def mount(values: "Values") -> int:
    """Start the daemon and wait until it serves; or become it, with --foreground."""
    if links.running() is not None and os.path.exists(links.places().socket):
        raise AlreadyExists("a daemon runs here already", "`envfs status` shows it; `envfs unmount` ends it")
    if not os.path.exists(links.places().vault):
        raise NoVault(f"there is no vault at {links.places().vault}", "make one with `envfs init`")
    path = os.path.abspath(str(values["path"])) if values["path"] else ""
    command = [sys.executable, "-I", "-m", "envfs.daemon", "serve", "--mount", path]
    file = values["passphrase_file"]
    secret = _passphrase(None if file is None else str(file))
    if secret >= 0:
        os.set_inheritable(secret, True)
        command += ["--passphrase", str(secret)]
    if values["foreground"]:
        os.execve(sys.executable, command, links.environment())  # noqa: S606
    with terminal.Waiting("starting"):
        try:
            where = _spawn(command)
        except WrongPassphrase:
            if secret >= 0:
                raise
            where = ""  # the keyring did not have the identity
    if not where:
        secret = secrets.passphrase(None)
        os.set_inheritable(secret, True)
        with terminal.Waiting("starting"):
            where = _spawn([*command, "--passphrase", str(secret)])
    output.done(f"mounted at {where}")
    return 0


def _passphrase(file: "str | None") -> int:
    # whether one is needed is known by looking for the identity file in its usual place, under a passphrase
    if file or os.environ.get("ENVFS_PASSPHRASE_FILE"):
        return secrets.passphrase(file)
    if os.environ.get("CREDENTIALS_DIRECTORY") or not os.path.exists(links.places().identity) or _in_keyring():
        return -1
    return secrets.passphrase(None)


def _in_keyring() -> bool:
    # a look at the settings: the daemon reads them as they should be read, and a mistake here costs one start of it
    try:
        with open(links.places().settings, encoding="utf-8") as file:
            return any(line.strip().startswith("keyring") for line in file)
    except (OSError, UnicodeDecodeError):
        return False


def _spawn(command: "list[str]") -> str:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = os.fork()
    if child == 0:
        _become_daemon([*command, "--ready", str(writing)])
    os.close(writing)
    answer = _read_all(reading, child)
    decoder = framing.Decoder(0, limits.REPLY_BYTES)
    decoder.feed(answer)
    found = decoder.next()
    if found is None:
        raise MountFailed("the daemon ended before it served", f"look into {links.places().daemon_log}")
    message = wire.from_body(found[0], control.REPLIES)
    if isinstance(message, control.Failed):
        error = from_code(*message)
        if isinstance(error, WrongPassphrase) and not error.hint:
            error.hint = "try again"
        raise error
    return message.notes[0] if isinstance(message, control.Done) else ""


def _become_daemon(command: "list[str]") -> None:
    try:
        os.setsid()
        log = links.places().daemon_log
        os.makedirs(os.path.dirname(log), 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK  # of a pipe nobody is waited for
        target = os.open(log, flags, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.execve(sys.executable, command, links.environment())  # noqa: S606
    finally:
        os._exit(126)


def _read_all(handle: int, child: int) -> bytes:
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
    raise TimedOut(f"the daemon did not start in {_START_SECONDS} s", f"look into {links.places().daemon_log}")


def unmount(values: "Values") -> int:  # noqa: ARG001 - every command has the same shape
    """End the daemon and wait until the mount is gone."""
    link = links.need_running()
    report, _ = link.ask(control.Status())
    link.ask(control.Unmount())
    pid = report.pid if isinstance(report, control.StatusReport) else 0
    until = time.monotonic() + _UNMOUNT_SECONDS
    while pid and _runs(pid):
        if time.monotonic() > until:
            raise TimedOut("the daemon does not end", f"its process id is {pid}")
        time.sleep(_STEP)
    output.done("unmounted")
    return 0


def _runs(pid: int) -> bool:
    # its state is for everybody to see; its other entries are root's alone, as it is not dumpable
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def unlock(values: "Values") -> int:
    """Give a running daemon the passphrase, of the vault or of a project."""
    asking = session.over(links.need_running(), values)
    asking.unlock(int(str(values["ttl"] or 0)), str(values["project"] or ""))
    output.done("unlocked")
    return 0


def lock(values: "Values") -> int:
    """Make a running daemon forget the keys, of everything or of a project, and the views."""
    links.need_running().ask(control.Lock(str(values["project"] or "")))
    output.done("locked")
    return 0
