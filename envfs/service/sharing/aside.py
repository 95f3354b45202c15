"""Lines of a stream that were set aside: the records of this machine that an engine has others in the place of.

Each has a folder: `own/` has the records of this machine behind the last number that both have the same of, `engine/`
those that take their places, and `line.json` says which they are.

Laws: both lines are on the disk before anything is taken away. A line that was begun can be finished from its folder
alone. Nothing is ever removed here.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.core import record
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.host import private_files
from envfs.store.directory import DirectoryStore

_LARGEST = 1 << 20
_OWN, _ENGINE = "own/", "engine/"


class LineAside(NamedTuple):
    """A stream in which this machine takes the engine's records from `common` + 1 up to `newest` in place of its own.

    `last` is the newest number of its own line. `waiting` are the numbers in the outbox that follow that line, and
    `first` the number that the first version of it gets there, to be applied again. `done` once all of that was done.
    """

    number: int
    stream: str
    common: int
    last: int
    newest: int
    first: int
    waiting: tuple[int, ...] = ()
    done: bool = False


class LinesAside:
    """The folder at `folder`, which is made with the first line."""

    def __init__(self, folder: Path) -> None:
        """Look there."""
        self.folder = folder

    def __iter__(self) -> Iterator[LineAside]:
        """Iterate over the lines, in order. One that was never begun is none."""
        names: list[str] = []
        with suppress(OSError):
            names = sorted(os.listdir(self.folder))
        for name in names:
            line = _read(self.folder / name / "line.json", int(name)) if name.isascii() and name.isdigit() else None
            if line is not None:
                yield line

    def place(self, line: LineAside) -> Path:
        """Return the folder of a line."""
        return self.folder / f"{line.number:08d}"

    def next_number(self) -> int:
        """Return a number that no folder has."""
        numbers = [0]
        with suppress(OSError):
            numbers += [int(name) for name in os.listdir(self.folder) if name.isascii() and name.isdigit()]
        return max(numbers) + 1

    def begin(self, line: LineAside, own: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> None:
        """Put both lines on the disk, and then the word that the change began.

        Raises:
            StoreUnavailable: they cannot be written
        """
        records = {f"{_OWN}{key}": data for key, data in own.items()}
        self._store(line).put_all(records | {f"{_ENGINE}{key}": data for key, data in theirs.items()})
        self._write(line)

    def finish(self, line: LineAside) -> None:
        """Take note that all of a line was done.

        Raises:
            StoreUnavailable: it cannot be written
        """
        self._write(line._replace(done=True))

    def own(self, line: LineAside, seq: int) -> bytes:
        """Return a record of this machine's line."""
        return self._get(line, _OWN, seq)

    def theirs(self, line: LineAside, seq: int) -> bytes:
        """Return a record of the engine's line."""
        return self._get(line, _ENGINE, seq)

    def _get(self, line: LineAside, top: str, seq: int) -> bytes:
        key = f"{top}{record.record_key(line.stream, seq)}"
        data = self._store(line).get(key)
        if data is None:
            raise StoreUnavailable(f"{self.place(line)}/{key} is gone", "a line of records was set aside there")
        return data

    def _store(self, line: LineAside) -> DirectoryStore:
        return DirectoryStore(self.place(line))

    def _write(self, line: LineAside) -> None:
        private_files.write_private(self.place(line) / "line.json", json.dumps(line._asdict()).encode() + b"\n")


def _read(path: Path, number: int) -> LineAside | None:
    try:
        match json.loads(safe_open.read_file(path, _LARGEST)):
            case {
                "stream": str(stream),
                "common": int(common),
                "last": int(last),
                "newest": int(newest),
                "first": int(first),
                "waiting": list(waiting),
                "done": bool(done),
            }:
                numbers = tuple(one for one in waiting if type(one) is int)
                return LineAside(number, stream, common, last, newest, first, numbers, done)
            case _:
                return None
    except (OSError, ValueError, EnvFSError):
        return None
