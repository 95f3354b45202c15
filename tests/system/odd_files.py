"""Things that are not the file that is expected: planted at a path, for tests of what opens it."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def _huge(path: Path) -> None:
    path.touch(0o600)
    os.truncate(path, 1 << 40)


KINDS: dict[str, Callable[[Path], None]] = {
    "FIFO": lambda path: os.mkfifo(path, 0o600),
    "socket": _socket,
    "folder": _folder,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/ptmx"),
    "dangling link": lambda path: path.symlink_to("/nowhere/at/all"),
    "looping link": lambda path: path.symlink_to(path.name),
    "sparse terabyte": _huge,
}


def plant(path: Path, kind: str) -> None:
    """Put a thing of a kind where a file or a folder was."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](path)
