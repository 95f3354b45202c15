"""High-water marks: the newest record that this machine has seen of each stream, against rollback.

A journal of JSON lines beside the vault, not in it. Written again when too many no longer count. The last line of a
stream counts.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import StoreUnavailable
from envfs.host import private_files

_LARGEST = 1 << 28
_NEVER = 10**12  # nobody writes so many versions
_SLACK = 1000  # lines that no longer count before the journal is written again


class Seen(NamedTuple):
    """The newest record of a stream that this machine has accepted."""

    seq: int
    digest: str


class Memory:
    """The journal at `path`. A line that a power cut left half written is dropped.

    `spoiled` is how many other lines are none: somebody changed the file. Records that
    `is_waiting` names (stream, number) are not remembered: an engine may yet give that number to another record.
    """

    is_waiting: Callable[[str, int], bool] = staticmethod(lambda _stream, _seq: False)
    is_stored: Callable[[str, Seen], bool] = staticmethod(lambda _stream, _seen: True)

    def __init__(self, path: Path) -> None:
        """Read the journal."""
        self._path = path
        self._seen, stale, self.spoiled = _load(path)
        self._written = 0
        if stale:
            self._compact()

    def get(self, stream: str) -> Seen | None:
        """Return what was seen last of a stream."""
        return self._seen.get(stream)

    def streams(self) -> tuple[str, ...]:
        """List every stream that was ever seen."""
        return tuple(self._seen)

    def heads(self) -> tuple[tuple[str, Seen], ...]:
        """List what was seen last of every stream, in the order of their names."""
        return tuple(sorted(self._seen.items()))

    def put(self, stream: str, seen: Seen) -> None:
        """Remember a head.

        Raises:
            StoreUnavailable: the journal cannot be written
        """
        if self._seen.get(stream) == seen or self.is_waiting(stream, seen.seq):
            return
        self._append(_line(stream, seen))
        self._seen[stream] = seen
        self._written += 1
        if self._written > 2 * len(self._seen) + _SLACK:
            self._compact()

    def confirm(self, stream: str, seen: Seen) -> None:
        """Remember a head that was opened or written here, if it is stored for good.

        Raises:
            StoreUnavailable: the journal cannot be written
        """
        if self._seen.get(stream) != seen and self.is_stored(stream, seen):
            self.put(stream, seen)

    def rewrite(self) -> None:
        """Write the journal again, without the broken lines."""
        self._compact()
        self.spoiled = 0

    def _append(self, line: bytes) -> None:
        try:
            handle = safe_open.open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                size = os.fstat(handle).st_size
                if os.write(handle, line) != len(line):
                    os.ftruncate(handle, size)  # half a line would swallow the next one
                    raise StoreUnavailable("cannot write what was seen of the vault", "the disk is full")
                os.fdatasync(handle)
                if not size:
                    private_files.sync_folder(self._path.parent)  # the file itself may be new
            finally:
                os.close(handle)
        except OSError as error:
            raise StoreUnavailable(f"cannot write what was seen of the vault: {safe_open.error_words(error)}") from None

    def _compact(self) -> None:
        private_files.write_private(self._path, b"".join(_line(stream, seen) for stream, seen in self._seen.items()))
        self._written = 0


def _line(stream: str, seen: Seen) -> bytes:
    return json.dumps({"stream": stream, **seen._asdict()}, separators=(",", ":")).encode() + b"\n"


def _mark(body: dict[str, object]) -> tuple[str, Seen]:
    stream, number, digest = body["stream"], body["seq"], body["digest"]
    if not isinstance(stream, str) or type(number) is not int or not isinstance(digest, str):
        raise TypeError("no mark")
    if not 0 <= number < _NEVER:
        raise ValueError("no number of a record")
    return stream, Seen(number, digest)


def _is_torn(line: bytes) -> bool:
    # a power cut can leave a line without its end, or with zeros where its bytes were not on the disk yet
    return b"\0" in line or not line.endswith(b"\n")


def _load(path: Path) -> tuple[dict[str, Seen], bool, int]:
    # also says whether the file has lines that no longer count, and how many are none
    try:
        lines = safe_open.read_file(path, _LARGEST).splitlines(keepends=True)
    except FileNotFoundError:
        return {}, False, 0
    except OSError as error:
        raise StoreUnavailable(
            f"cannot read {path}: {safe_open.error_words(error)}",
            "move it aside: what it knew is taken from the log and its checkpoints",
        ) from None
    seen: dict[str, Seen] = {}
    spoiled = 0
    for line in lines:
        try:
            stream, mark = _mark(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError):
            spoiled += not _is_torn(line)
        else:
            seen[stream] = mark
    stale = len(lines) > len(seen) + _SLACK or (bool(lines) and _is_torn(lines[-1]))
    return seen, stale, spoiled
