"""Looks for known secrets: in bytes, in the files of a folder and their names, in what a process has open."""

import base64
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TELLING = 8  # a shorter value may stand anywhere by chance


def needles(variables: Iterable[str], values: Iterable[str]) -> dict[bytes, str]:
    """Return what must not be found: names and telling values, as they are, in hex and in base64."""
    found: dict[bytes, str] = {}
    for text in [*variables, *(value for value in values if len(value) >= _TELLING)]:
        data = text.encode()
        found |= dict.fromkeys([data, data.hex().encode(), *_base64_cores(data)], text)
    return {needle: text for needle, text in found.items() if len(needle) >= _TELLING or needle == text.encode()}


def _base64_cores(data: bytes) -> Iterator[bytes]:
    # at each of the three places where a text can begin within base64's groups, less the ends that its surroundings mix
    for shift in range(3):
        yield base64.urlsafe_b64encode(b"\0" * shift + data)[4 if shift else 0 :].rstrip(b"=")[:-2]


def in_bytes(data: bytes, sought: dict[bytes, str]) -> set[str]:
    """Return which secrets stand in some bytes."""
    return {text for needle, text in sought.items() if needle in data}


def in_folder(folder: Path, sought: dict[bytes, str], leave_out: Path) -> set[tuple[str, str]]:
    """Return (path, secret) for each that stands in a file below a folder, or in a file's name."""
    found = set()
    for path in _paths(folder, leave_out):
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found |= {(str(path), text) for text in in_bytes(os.fsencode(path.name) + b"\0" + data, sought)}
    return found


def _paths(folder: Path, leave_out: Path) -> Iterator[Path]:
    for top, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(top, name) != leave_out]
        yield from (Path(top, name) for name in [*folders, *files])


def in_process(pid: int, sought: dict[bytes, str]) -> set[tuple[str, str]]:
    """Return (where, secret) for each that stands in what a process has open, or in its words and environment."""
    found = set()
    for path in [*Path(f"/proc/{pid}/fd").iterdir(), Path(f"/proc/{pid}/cmdline"), Path(f"/proc/{pid}/environ")]:
        found |= {(f"{path} {_target(path)}", text) for text in in_bytes(_content(path), sought)}
    return found


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _content(path: Path) -> bytes:
    if path.parent.name == "fd" and not path.is_file():
        return b""  # a socket, a pipe or a device would make us wait
    try:
        return path.read_bytes()
    except OSError:
        return b""  # memory that cannot be read: what is wanted
