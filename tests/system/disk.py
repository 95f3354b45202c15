"""What a power cut can leave of a folder: the file system calls of a process, and the states between two of them.

Laws: bytes are certain once their file was synced, and names once their folder was. All else may be there or not, in
any combination: a write, half of it, zeros in its place, a new name, a name that was taken away. So these are more
states than any one file system leaves, and a program that survives them needs no file system's promise but POSIX's.
"""

import contextlib
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

CALLS = (
    *("openat", "close", "write", "pwrite64", "fsync", "fdatasync", "ftruncate"),
    *("linkat", "rename", "unlink", "mkdir", "rmdir", "sendto", "sendmsg"),
)
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?([a-z0-9_]+)(?: resumed>|\()(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_NUMBER = re.compile(r"^(-?\d+|AT_FDCWD)")
_REPLIES = {b"written", b"done", b"rule-given", b"versions-forgotten", b"recovery-made", b"failed"}
_TYPE = re.compile(rb'"type": ?"([a-z-]+)"')


class Call(NamedTuple):
    """A call that succeeded: its name, its descriptor, its texts, all of its words, and what it returned."""

    name: str
    handle: int
    texts: tuple[bytes, ...]
    words: str
    result: int


def parsed_calls(trace: str) -> list[Call]:
    """Read what `strace -xx` wrote, in the order in which calls ended. What is sent counts from its beginning."""
    begun: dict[str, str] = {}
    calls = []
    for line in trace.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        pid, name, words = match.groups()
        sends = name.startswith("send")
        if words.endswith("<unfinished ...>"):
            begun[pid] = words.removesuffix(" <unfinished ...>")
            if sends:
                calls.append(_call(name, words, 0))
            continue
        if "resumed>" in line:
            if sends:
                continue
            words = begun.pop(pid, "") + words
        words, _, result = words.rpartition(" = ")
        number = _NUMBER.match(result)
        if number is not None and int(number[0]) >= 0:
            calls.append(_call(name, words, int(number[0])))
    return calls


def _call(name: str, words: str, result: int) -> Call:
    number = _NUMBER.match(words)
    handle = int(number[0]) if number is not None and number[0] != "AT_FDCWD" else -1
    texts = tuple(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(words))
    return Call(name, handle, texts, words, result)


def replies(call: Call) -> int:
    """Return how many replies to a client begin in what a call sends."""
    if not call.name.startswith("send"):
        return 0
    return sum(found in _REPLIES for text in call.texts for found in _TYPE.findall(text))


@dataclass
class Content:
    """A file: what is certain of it, and what was written since. `data` is what a reader sees."""

    certain: bytes = b""
    data: bytes = b""
    since: list[tuple[int, bytes]] = field(default_factory=list)  # an offset and bytes; none: cut there

    def write(self, offset: int, data: bytes) -> None:
        self.since.append((offset, data))
        self.data = _written(self.data, offset, data)

    def cut(self, size: int) -> None:
        if size == len(self.data):
            return
        self.since.append((size, b""))
        self.data = _cut(self.data, size)

    def sync(self) -> None:
        self.certain = self.data
        self.since.clear()

    def left(self, chance: random.Random, share: float) -> bytes:
        """Return what a power cut leaves, if each write since the last sync is there with such a chance."""
        data = self.certain
        for offset, piece in self.since:
            if chance.random() > share:
                continue
            if not piece:
                data = _cut(data, offset)
                continue
            how = chance.choice(("whole", "whole", "half", "zeros", "half and zeros")) if share < 1 else "whole"
            at = chance.randrange(len(piece) + 1)
            pieces = {"whole": piece, "half": piece[:at], "zeros": bytes(len(piece))}
            data = _written(data, offset, pieces.get(how, piece[:at] + bytes(len(piece) - at)))
        return data


def _written(data: bytes, offset: int, piece: bytes) -> bytes:
    return data[:offset].ljust(offset, b"\0") + piece + data[offset + len(piece) :]


def _cut(data: bytes, size: int) -> bytes:
    return data[:size].ljust(size, b"\0")


@dataclass
class Folder:
    """A folder: the names that are certain, and each change of names since."""

    certain: dict[str, "Folder | Content"] = field(default_factory=dict)
    names: dict[str, "Folder | Content"] = field(default_factory=dict)
    since: list[dict[str, "Folder | Content | None"]] = field(default_factory=list)

    def change(self, changed: "dict[str, Folder | Content | None]") -> None:
        self.since.append(changed)
        _change(self.names, changed)

    def sync(self) -> None:
        self.certain = dict(self.names)
        self.since.clear()

    def left(self, chance: random.Random, share: float) -> dict[str, "Folder | Content"]:
        names = dict(self.certain)
        for changed in self.since:
            if chance.random() <= share:
                _change(names, changed)
        return names


def _change(names: dict[str, Folder | Content], changed: dict[str, Folder | Content | None]) -> None:
    for name, target in changed.items():
        if target is None:
            names.pop(name, None)
        else:
            names[name] = target


@dataclass
class Opened:
    """What a descriptor is of, and where it writes next. None: at the end."""

    node: Folder | Content
    at: int | None


def _as_it_stands(pid: int, handle: int, node: Folder | Content) -> Opened:
    facts = dict(line.split(":\t") for line in Path(f"/proc/{pid}/fdinfo/{handle}").read_text("ascii").splitlines())
    return Opened(node, None if int(facts["flags"], 8) & os.O_APPEND else int(facts["pos"]))


class Disk:
    """A folder of the disk at `root`, and the descriptors of one process that are of it."""

    def __init__(self, root: Path, pid: int, left_out: Callable[[Path], bool]) -> None:
        """Take all that is there now for certain."""
        self._root, self._left_out = root, left_out
        self.top = self._read(root)
        self._open: dict[int, Opened] = {}
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                node = self._find(os.fsencode(link.readlink()))
                if node is not None:
                    self._open[int(link.name)] = _as_it_stands(pid, int(link.name), node)

    def _read(self, folder: Path) -> Folder:
        here = Folder()
        for path in folder.iterdir():
            if not self._left_out(path):
                here.names[path.name] = self._read(path) if path.is_dir() else self._content(path)
        here.sync()
        return here

    def _content(self, path: Path) -> Content:
        data = path.read_bytes() if path.is_file() else b""
        return Content(data, data)

    def _find(self, path: bytes) -> Folder | Content | None:
        parts = self._parts(path)
        node: Folder | Content | None = self.top if parts is not None else None
        for part in parts or ():
            node = node.names.get(part) if isinstance(node, Folder) else None
        return node

    def _parts(self, path: bytes) -> tuple[str, ...] | None:
        with contextlib.suppress(ValueError):
            below = Path(os.fsdecode(path)).relative_to(self._root)
            return None if self._left_out(self._root / below) else below.parts
        return None

    def _place(self, path: bytes) -> tuple[Folder, str] | None:
        folder = self._find(os.path.dirname(path))
        return (folder, os.fsdecode(os.path.basename(path))) if isinstance(folder, Folder) else None

    # -- calls ---------------------------------------------------------------------------------------------------------

    def take(self, call: Call) -> bool:
        """Do what a call did. False if it is none of this folder's."""
        return call.name in _TAKEN and _TAKEN[call.name](self, call)

    def _closed(self, call: Call) -> bool:
        self._open.pop(call.handle, None)
        return False

    def _opened(self, call: Call) -> bool:
        self._open.pop(call.result, None)
        path, changed = call.texts[0], False
        if "O_TMPFILE" in call.words:
            if isinstance(self._find(path), Folder):
                self._open[call.result] = Opened(Content(), 0)
            return False
        node = self._find(path)
        if node is None and "O_CREAT" in call.words:
            node = Content()
            changed = self._named(path, node)
            if not changed:
                return False
        if isinstance(node, Content) and "O_TRUNC" in call.words:
            node.cut(0)
        if node is not None:
            self._open[call.result] = Opened(node, None if "O_APPEND" in call.words else 0)
        return changed

    def _changed(self, call: Call) -> bool:
        opened = self._open.get(call.handle)
        if opened is None:
            return False
        node = opened.node
        if call.name in ("fsync", "fdatasync"):
            node.sync()
            return True
        assert isinstance(node, Content)
        if call.name == "ftruncate":
            node.cut(int(call.words.split(", ")[1].rstrip(")")))
        elif call.name == "pwrite64":
            node.write(int(call.words.rpartition(", ")[2].rstrip(")")), call.texts[0][: call.result])
        else:
            at = len(node.data) if opened.at is None else opened.at
            node.write(at, call.texts[0][: call.result])
            opened.at = None if opened.at is None else at + call.result
        return True

    def _linked(self, call: Call) -> bool:
        node = self._open[call.handle].node if call.handle in self._open else self._find(call.texts[0])
        return node is not None and self._named(call.texts[-1], node)

    def _renamed(self, call: Call) -> bool:
        old, new = map(self._place, call.texts)
        if old is None or new is None:
            return False
        node = old[0].names[old[1]]
        assert old[0] is new[0], call.texts
        old[0].change({old[1]: None, new[1]: node})
        return True

    def _named(self, path: bytes, node: Folder | Content | None) -> bool:
        place = self._place(path)
        if place is None or self._left_out(self._root / os.fsdecode(path)):
            return False
        place[0].change({place[1]: node})
        return True

    # -- states --------------------------------------------------------------------------------------------------------

    def leave(self, target: Path, chance: random.Random, share: float) -> None:
        """Make `target` what a power cut now could leave: what is not certain is there with such a chance."""
        for path in target.iterdir():
            if not self._left_out(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, node in _walk(target, self.top, chance, share):
            if isinstance(node, Folder):
                path.mkdir(mode=0o700, exist_ok=True)
            else:
                path.write_bytes(node.left(chance, share))
                path.chmod(0o600)


_TAKEN: dict[str, Callable[[Disk, Call], bool]] = {
    "openat": Disk._opened,
    "close": Disk._closed,
    **dict.fromkeys(("write", "pwrite64", "ftruncate", "fsync", "fdatasync"), Disk._changed),
    "linkat": Disk._linked,
    "rename": Disk._renamed,
    **dict.fromkeys(("unlink", "rmdir"), lambda disk, call: disk._named(call.texts[0], None)),
    "mkdir": lambda disk, call: disk._named(call.texts[0], Folder()),
}


def _walk(path: Path, top: Folder, chance: random.Random, share: float) -> Iterator[tuple[Path, Folder | Content]]:
    for name, node in top.left(chance, share).items():
        yield path / name, node
        if isinstance(node, Folder):
            yield from _walk(path / name, node, chance, share)
