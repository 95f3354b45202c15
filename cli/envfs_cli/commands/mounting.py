"""`mount`, `unmount`, `unlock`, `lock`: the daemon's life."""

import os
import select
import signal
import sys
import time

from envfs import safe_open
from envfs.core import limits
from envfs.errors import (
    AlreadyExists,
    MountFailed,
    NotApproved,
    NotRunning,
    NoVault,
    TimedOut,
    WrongPassphrase,
    from_code,
)
from envfs.protocol import control, framing, wire
from envfs_cli import output, secrets, standard_streams
from envfs_cli.daemon import client, launch, session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_START_SECONDS = 120  # a passphrase takes a second, and a keyring may wait for a person
_UNMOUNT_SECONDS = 10.0
_STEP = 0.02
_LARGEST = 1 << 20


def mount(values: "Values") -> int:
    """Start the daemon and wait until it serves; or become it, with --foreground."""
    if client.running() is not None and os.path.exists(client.places().socket):
        raise AlreadyExists("a daemon runs here already", "`envfs status` shows it; `envfs unmount` ends it")
    if not os.path.exists(client.places().vault):
        raise NoVault(f"there is no vault at {client.places().vault}", "make one with `envfs init`")
    path = os.path.abspath(str(values["path"])) if values["path"] else ""
    command = [sys.executable, "-I", "-m", "envfs.daemon", "serve", "--mount", path]
    _check(path)
    file = None if values["passphrase_file"] is None else str(values["passphrase_file"])
    secret = _passphrase(file)
    if values["foreground"]:
        lock = client.lock_for_mount()
        standard_streams.give_nothing()
        os.execve(sys.executable, _with(command, secret, lock), launch.environment(client.places()))  # noqa: S606
    where = _served(command, secret, asks=not (file or secrets.named_file("")))
    output.done(f"mounted at {where}")
    return 0


def _check(path: str) -> None:
    # what would refuse the mount is said before a passphrase is asked for
    vault = client.places().vault
    owner = os.stat(vault).st_uid
    if owner != os.geteuid():
        raise NotApproved(f"the vault at {vault} belongs to uid {owner}", "its owner mounts it")
    if path and os.path.lexists(path) and not os.path.isdir(path):
        raise MountFailed("the place to mount is not a folder", "name one that is empty, or none for the usual place")


def _served(command: "list[str]", secret: int, *, asks: bool) -> str:
    for left in reversed(range(secrets.TRIES)):
        try:
            with prompts.Waiting("starting"):
                return _start(command, secret)
        except WrongPassphrase as error:
            if not asks or (secret >= 0 and not left):
                raise
            if secret >= 0:  # else the keyring did not have the identity
                output.note(f"{error.text}: try again")
                os.close(secret)
            secret = secrets.passphrase(None)
    raise WrongPassphrase("the passphrase is wrong", "nothing was changed")


def _start(command: "list[str]", secret: int) -> str:
    lock = client.lock_for_mount()  # not before the passphrase is there: a person may take long
    try:
        return _spawn(_with(command, secret, lock))
    finally:
        if lock >= 0:
            os.close(lock)


def _with(command: "list[str]", secret: int, lock: int) -> "list[str]":
    if lock >= 0:
        command = [*command, "--lock", str(lock)]
    if secret < 0:
        return command
    os.set_inheritable(secret, True)
    return [*command, "--passphrase", str(secret)]


def _passphrase(file: "str | None") -> int:
    # whether one is needed is known by looking for the identity file in its usual place, under a passphrase
    if file or secrets.named_file(""):
        return secrets.passphrase(file)
    if os.environ.get("CREDENTIALS_DIRECTORY") or not os.path.exists(client.places().identity) or _in_keyring():
        return -1
    return secrets.passphrase(None)


def _in_keyring() -> bool:
    # a look at the settings: the daemon reads them as they should be read, and a mistake here costs one start of it
    try:
        lines = safe_open.read_file(client.places().settings, _LARGEST, follow=True).splitlines()
        return any(line.strip().startswith(b"keyring") for line in lines)
    except OSError:
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
        raise MountFailed("the daemon ended before it served", f"look into {client.places().daemon_log}")
    message = wire.from_body(found[0], control.REPLIES)
    if isinstance(message, control.Failed):
        error = from_code(*message)
        if isinstance(error, WrongPassphrase) and not error.hint:
            error.hint = "try again"
        raise error
    where, *notes = message.notes if isinstance(message, control.Done) else ("",)
    for note in notes:
        output.note(note)
    return str(where)


def _become_daemon(command: "list[str]") -> None:
    try:
        os.setsid()
        log = client.places().daemon_log
        os.makedirs(os.path.dirname(log), 0o700, exist_ok=True)
        target = _daemon_log(log)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.execve(sys.executable, command, launch.environment(client.places()))  # noqa: S606
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
    raise TimedOut(f"the daemon did not start in {_START_SECONDS} s", f"look into {client.places().daemon_log}")


def unmount(values: "Values") -> int:  # noqa: ARG001 - every command has the same shape
    """End the daemon and wait until the mount is gone."""
    link = client.running()
    if link is None:
        return _remove_dead_mounts()
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


def _remove_dead_mounts() -> int:
    # what a killed daemon left; only the daemon's side may look at mounts
    status = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-I", "-m", "envfs.daemon", "clear"])  # noqa: S606
    if status == NotRunning.status:
        client.need_running()
    return status


def _runs(pid: int) -> bool:
    # its state is for everybody to see; its other entries are root's alone, as it is not dumpable
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def unlock(values: "Values") -> int:
    """Give a running daemon the passphrase, of the vault or of a project."""
    asking = session.over(client.need_running(), values)
    asking.unlock(int(str(values["ttl"] or 0)), str(values["project"] or ""))
    output.done("unlocked")
    return 0


def lock(values: "Values") -> int:
    """Make a running daemon forget the keys, of everything or of a project, and the views."""
    client.need_running().ask(control.Lock(str(values["project"] or "")))
    output.done("locked")
    return 0
