"""The files below some paths, in the order of their names.

Laws: no link is followed, and nothing but regular files is opened. Left out are what the kernel makes up, a mount of
EnvFS, which has the values by its purpose, and the objects of git, which `--history` reads.
"""

import contextlib
import os

from envfs import safe_open
from envfs_cli.scanning.contents import ScannedFile, ScanPlace, pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Tell = Callable[[str, str], None]

_MADE_UP = (
    *("proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "tracefs", "debugfs", "securityfs", "bpf"),
    *("mqueue", "pstore", "configfs", "fuse.envfs"),
)
_OBJECTS = "/.git/objects"
_TOP = "./"


def walk_files(paths: "Iterable[str]", tell: "Tell") -> "Iterator[ScannedFile]":
    """Yield the files. Say of each path that cannot be read why."""
    left_out = frozenset(_made_up_mounts())
    for path in paths:
        yield from _below(path, left_out, tell) if _is_folder(path) else _opened(path, tell)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _below(folder: str, left_out: "frozenset[str]", tell: "Tell") -> "Iterator[ScannedFile]":
    waiting = [folder]
    while waiting:
        entries = _entries(waiting.pop(), left_out, tell)
        waiting += [entry.path for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]
        for path in _files(entries):
            yield from _opened(path, tell)


def _files(entries: "list[os.DirEntry[str]]") -> "Iterator[str]":
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            yield entry.path.removeprefix(_TOP)


def _entries(folder: str, left_out: "frozenset[str]", tell: "Tell") -> "list[os.DirEntry[str]]":
    if _is_left_out(folder, left_out):
        return []
    try:
        return _listed(folder)
    except OSError as error:
        tell(folder, safe_open.error_words(error))
        return []


def _is_left_out(folder: str, left_out: "frozenset[str]") -> bool:
    return os.path.abspath(folder) in left_out or f"/{folder}".endswith(_OBJECTS)


def _listed(folder: str) -> "list[os.DirEntry[str]]":
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _opened(path: str, tell: "Tell") -> "Iterator[ScannedFile]":
    try:
        handle = safe_open.open_file(path)
    except OSError as error:
        tell(path, safe_open.error_words(error))
    else:
        yield from _read_and_closed(path, handle, tell)


def _read_and_closed(path: str, handle: int, tell: "Tell") -> "Iterator[ScannedFile]":
    # however far the pieces are read, the file is closed then
    with contextlib.closing(pieces_of(handle, lambda reason: tell(path, reason))) as pieces:
        yield ScannedFile(ScanPlace(path), pieces)


def _made_up_mounts() -> "Iterator[str]":
    for line in _mounts():
        words, _, source = line.partition(" - ")
        if source.partition(" ")[0] in _MADE_UP:
            yield words.split(" ")[4]


def _mounts() -> list[str]:
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", "rb") as file:
        return os.fsdecode(file.read()).splitlines()
    return []
