"""The operating system's keyrings, through the programs that are kept for them: keyctl(1), and the `keyring` package.

Law: what they hold goes from their program into memory that only a descriptor names, and back. This process reads none
of it. Nothing else is ever tried in the place of the keyring that was asked for.
"""

import importlib.util
import os
import subprocess
import sys
from enum import StrEnum

from envfs import interpreter
from envfs.errors import EnvFSError


class KeyringKind(StrEnum):
    """The keyrings that can have the identity."""

    SECRET_SERVICE = "secret-service"  # the desktop's (org.freedesktop.secrets)
    KERNEL = "kernel"  # the user's keyring of the kernel (keyrings(7)), which a restart empties


_SECONDS = 60  # a person may be asked to unlock it
_SERVICE = "envfs"
_PYTHON_KEYRING = (sys.executable, "-I", "-m", "keyring", "-b", "keyring.backends.SecretService.Keyring")


def parse_keyring(text: str) -> KeyringKind:
    """Return the keyring of that name. EnvFSError if there is none."""
    if text not in tuple(KeyringKind):
        raise EnvFSError("there is no such keyring", f"known are {' and '.join(KeyringKind)}")
    return KeyringKind(text)


def fetch_secret(kind: KeyringKind, name: str) -> int | None:
    """Return a descriptor of memory with what is kept under a name, or None if nothing is.

    Raises:
        EnvFSError: the keyring cannot be asked
    """
    _need(kind)
    command: tuple[str, ...] = (*_PYTHON_KEYRING, "get", _SERVICE, name)
    if kind is KeyringKind.KERNEL:
        key = _search(name)
        if key is None:
            return None
        command = ("keyctl", "pipe", key)
    target = os.memfd_create("envfs", os.MFD_CLOEXEC)
    if _run(command, subprocess.DEVNULL, target) != 0 or os.fstat(target).st_size == 0:
        os.close(target)
        return None
    return target


def store_secret(kind: KeyringKind, name: str, descriptor: int) -> None:
    """Keep what a descriptor holds, in the place of what was kept under that name.

    Raises:
        EnvFSError: the keyring does not take it
    """
    _need(kind)
    command = (
        ("keyctl", "padd", "user", _key(name), "@u")
        if kind is KeyringKind.KERNEL
        else (*_PYTHON_KEYRING, "set", _SERVICE, name)
    )
    os.lseek(descriptor, 0, os.SEEK_SET)
    if _run(command, descriptor, subprocess.DEVNULL) != 0:
        raise EnvFSError(f"the {kind} keyring does not take it", _hint(kind))


def remove_secret(kind: KeyringKind, name: str) -> None:
    """Remove what is kept under a name. Nothing is no error."""
    _need(kind)
    if kind is KeyringKind.KERNEL:
        key = _search(name)
        if key is not None:
            _run(("keyctl", "unlink", key, "@u"), subprocess.DEVNULL, subprocess.DEVNULL)
    else:
        _run((*_PYTHON_KEYRING, "del", _SERVICE, name), subprocess.DEVNULL, subprocess.DEVNULL)


def _need(kind: KeyringKind) -> None:
    import shutil  # noqa: PLC0415 - few vaults have such a place for the identity

    if kind is KeyringKind.KERNEL and shutil.which("keyctl") is None:
        raise EnvFSError("keyctl is not installed", "apt-get install keyutils")
    if kind is KeyringKind.SECRET_SERVICE and importlib.util.find_spec("keyring") is None:
        raise EnvFSError("the keyring package is not installed", f"`{interpreter.pip_line('keyring')}`")


def _hint(kind: KeyringKind) -> str:
    return (
        "does `keyctl show @u` work?"
        if kind is KeyringKind.KERNEL
        else "is a Secret Service running in this session, and unlocked?"
    )


def _key(name: str) -> str:
    return f"{_SERVICE}:{name}"


def _search(name: str) -> str | None:
    _need(KeyringKind.KERNEL)
    command = ("keyctl", "search", "@u", "user", _key(name))
    done = subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _run(command: tuple[str, ...], source: int, target: int) -> int:
    try:
        done = subprocess.run(
            command, check=False, stdin=source, stdout=target, stderr=subprocess.DEVNULL, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise EnvFSError("the keyring does not answer", "is a prompt open that asks for its password?") from None
    return done.returncode
