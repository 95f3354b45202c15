"""A unit is written, enabled and started, or stopped and removed. The vault's folders change their owner with it.

Laws: a unit that somebody else wrote is left alone. The vault, its settings and the identity are never removed. No link
is followed where owners change.
"""

import os
import pwd
import socket
import subprocess
from contextlib import suppress

from envfs import locations, safe_open
from envfs.errors import AlreadyExists, Conflict, EnvFSError, MountFailed, NoVault
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import client
from envfs_cli.services import units
from envfs_cli.services.users import ServiceUser

_BOOTED = "/run/systemd/system"  # sd_booted(3)
_SYSTEM_UNITS, _PACKAGED = "/etc/systemd/system", "/usr/lib/systemd/system"
_DROP_IN = "envfs.conf"
_SYSUSERS = "/usr/lib/sysusers.d/envfs.conf"
_HIDDEN = ("/home/", "/root/", "/run/", "/tmp/", "/var/tmp/")  # noqa: S108 - from a service that is confined
_LARGEST = 1 << 16
_SECONDS = 120


class InstalledUnit(NamedTuple):
    """Where a unit is, and what systemd says of it. Empty texts where there is none, or no systemd."""

    unit: str
    enabled: str
    active: str


def is_system() -> bool:
    """Tell whether the service manager is the system's: it is root who asks."""
    return os.geteuid() == 0


def unit_text(choices: units.UnitChoices, user: ServiceUser | None) -> str:
    """Return the unit that an installation would write: for root the system's own, or that of a user.

    Raises:
        Mistake: a service could not run this `envfs`
    """
    if not is_system():
        return units.user_unit(choices)
    if choices.program.startswith(_HIDDEN):
        raise Mistake(
            f"a service does not see {choices.program}", "install EnvFS for all users, as docs/installing.md says"
        )
    return units.system_unit(choices) if user is None else units.unit_of_user(choices, user)


def install_unit(choices: units.UnitChoices, user: ServiceUser | None) -> None:
    """Write the unit, enable it, and start it if systemd runs here.

    Raises:
        NoVault: there is nothing to serve yet
        Conflict: a daemon runs already
        AlreadyExists: somebody else wrote a unit of that name
    """
    name, text, path = units.name_of(user), unit_text(choices, user), unit_path(user)
    if choices.credential and not os.path.exists(units.CREDENTIAL):
        raise NoVault(f"there is no credential at {units.CREDENTIAL}", "`envfs service --help` says how to make it")
    if not os.path.exists(_places_of(user).vault):
        raise NoVault("there is no vault to serve", "make one with `envfs init`")
    if _systemctl("is-active", name) != "active" and _is_served(user):
        raise Conflict("a daemon runs here, and the service would be a second one", "end it with `envfs unmount`")
    _check_own(path)
    if is_system() and user is None:
        _make_user()
        _give_to(pwd.getpwnam(units.USER).pw_uid, pwd.getpwnam(units.USER).pw_gid)
    if _read(f"{_PACKAGED}/{units.NAME}") != text:
        _write(path, text)
    elif os.path.exists(path):
        os.unlink(path)
    if not os.path.isdir(_BOOTED):
        _systemctl("enable", name)
        output.note("systemd does not run here: the service starts when it does")
        return
    _must("daemon-reload")
    _must("enable", name)
    _must("restart", name)


def remove_unit(user: ServiceUser | None) -> None:
    """Stop the unit, and remove it. The vault stays, and is root's again.

    Raises:
        AlreadyExists: somebody else wrote the unit
    """
    name, path = units.name_of(user), unit_path(user)
    _check_own(path)
    if not os.path.exists(path) and not os.path.exists(f"{_PACKAGED}/{name}"):
        raise EnvFSError("no service of EnvFS is installed", "`envfs service install` installs one")
    _systemctl("disable", "--now", name)
    if os.path.exists(path):
        os.unlink(path)
    if os.path.isdir(_BOOTED):
        _must("daemon-reload")
    if is_system() and user is None:
        _give_to(0, 0)
        _remove_user()
        _remove_drop_ins()
        with suppress(OSError):
            os.rmdir(locations.system_locations().mount)


def installed_unit(user: ServiceUser | None) -> InstalledUnit:
    """Look whether a unit is there and what it does."""
    name = units.name_of(user)
    paths = (unit_path(user), f"{_PACKAGED}/{name}") if is_system() else (unit_path(user),)
    path = next(filter(os.path.exists, paths), "")
    return InstalledUnit(path, _systemctl("is-enabled", name), _systemctl("is-active", name))


def unit_path(user: ServiceUser | None) -> str:
    """Return where the unit is written."""
    if is_system():
        return f"{_SYSTEM_UNITS}/{units.name_of(user)}"
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{config}/systemd/user/{units.NAME}"


def write_drop_in(unit: str, text: str) -> str:
    """Write a drop-in of the system for a unit, and return its path.

    Raises:
        AlreadyExists: somebody else wrote one of that name
    """
    path = f"{_SYSTEM_UNITS}/{unit}.d/{_DROP_IN}"
    _check_own(path, units.DROP_IN_MARK)
    _write(path, text)
    if os.path.isdir(_BOOTED):
        _must("daemon-reload")
    return path


def _places_of(user: ServiceUser | None) -> locations.Locations:
    return client.user_locations() if user is None else user.places


def _is_served(user: ServiceUser | None) -> bool:
    if user is None:
        return client.running_daemon() is not None
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(user.places.socket)
        return True
    return False


def _check_own(path: str, mark: str = "written by `envfs service install`") -> None:
    text = _read(path)
    if text and mark not in text.partition("\n")[0]:
        raise AlreadyExists(f"{path} is not EnvFS's own", "move it away, and try again")


def _read(path: str) -> str:
    try:
        return safe_open.read_file(path, _LARGEST, follow=True).decode(errors="replace")
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    new = f"{path}.envfs-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            os.fchmod(handle, 0o644)
            os.write(handle, text.encode())  # to the disk or an error: a unit has no size to be written in parts
        finally:
            os.close(handle)
        os.rename(new, path)
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None


def _make_user() -> None:
    try:
        pwd.getpwnam(units.USER)
    except KeyError:
        home = locations.system_locations().home
        words = ("--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin")
        _run("useradd", *words, units.USER)


def _remove_user() -> None:
    if not os.path.exists(_SYSUSERS):  # the package's user goes with the package
        subprocess.run(["userdel", units.USER], check=False, capture_output=True)  # noqa: S607 - the system's own


def _remove_drop_ins() -> None:
    for folder in os.listdir(_SYSTEM_UNITS):
        path = f"{_SYSTEM_UNITS}/{folder}/{_DROP_IN}"
        if units.DROP_IN_MARK in _read(path).partition("\n")[0]:
            os.unlink(path)
            with suppress(OSError):  # others may have drop-ins there
                os.rmdir(os.path.dirname(path))


def _give_to(uid: int, gid: int) -> None:
    system = locations.system_locations()
    for top in (system.home, os.path.dirname(system.settings)):
        os.chown(top, uid, gid, follow_symlinks=False)
        for _, folders, files, folder in os.fwalk(top):
            for name in (*folders, *files):
                os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)


def _systemctl(*words: str) -> str:
    # what it prints, or nothing where it is not there or has nothing to say
    command = ["systemctl", *(() if is_system() else ("--user",)), *words]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _must(*words: str) -> None:
    _run("systemctl", *(() if is_system() else ("--user",)), *words)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS)
    except FileNotFoundError:
        raise EnvFSError(f"{command[0]} is not installed", "docs/service.md has other service managers") from None
    except subprocess.TimeoutExpired:
        raise MountFailed(f"`{' '.join(command)}` does not end", "journalctl -u envfs") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise MountFailed(f"`{' '.join(command)}` failed: {words}", "journalctl -u envfs")
