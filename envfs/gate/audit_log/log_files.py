"""The files of an access log: the one that is written, and the closed segments that are kept beside it.

Law: a closed segment is named after the entries that it holds, `access.jsonl.00000001-00000050`, with `.gz` behind it
where it is compressed. The name only says where to look: the chain says whether the entries are there.
"""

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from envfs import safe_open
from envfs.core import audit
from envfs.core.audit import Tip
from envfs.errors import AuditUnavailable, LogBroken
from envfs.host import private_files

HINT = "find out what happened to it, then `envfs log verify` and `envfs log restart`"
COMPRESSED = ".gz"
_RANGE = re.compile(r"\.(\d{8,18})-(\d{8,18})(\.gz)?", re.ASCII)
LONGEST_LINE = 1 << 16


class LogPart(NamedTuple):
    """One file of a log, by the entries that it holds. `last` is 0 for the file that is written."""

    path: Path
    first: int
    last: int

    @property
    def is_compressed(self) -> bool:
        """Tell whether its bytes are those of gzip (RFC 1952)."""
        return self.path.suffix == COMPRESSED


class LogEnd(NamedTuple):
    """Where a log ended: how many entries, the hash of the last line, and the size of its file then.

    `record` is the number of the newest checkpoint in the vault that the log names.
    """

    seq: int = 0
    digest: str = audit.START
    size: int = 0
    record: int = 0

    @property
    def tip(self) -> Tip:
        """The same as a tip of the chain."""
        return Tip(self.seq, self.digest)


def unavailable(error: OSError) -> AuditUnavailable:
    """Say that the log cannot be used, and why."""
    return AuditUnavailable(f"the access log cannot be used: {safe_open.error_words(error)}", HINT)


def log_parts(path: Path) -> list[LogPart]:
    """List the files of the log at `path` in the order of their entries. The last one is `path`, there or not.

    Raises:
        AuditUnavailable: the folder cannot be read
    """
    try:
        names = os.listdir(path.parent) if path.parent.is_dir() else []
    except OSError as error:
        raise unavailable(error) from None
    closed: dict[tuple[int, int], LogPart] = {}
    for name in sorted(names, reverse=True):  # of a segment that was being compressed the uncompressed file counts
        match = _RANGE.fullmatch(name.removeprefix(path.name)) if name.startswith(path.name) else None
        if match:
            first, last = int(match[1]), int(match[2])
            closed[first, last] = LogPart(path.with_name(name), first, last)
    earlier = sorted(closed.values(), key=lambda part: part.first)
    return [*earlier, LogPart(path, earlier[-1].last + 1 if earlier else 1, 0)]


def kept_name(path: Path, first: int, last: int) -> Path:
    """Return the name under which the entries from `first` to `last` are kept."""
    return path.with_name(f"{path.name}.{first:08d}-{last:08d}")


def open_part(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file of the log, which must be a regular file of this user's that nobody else may write.

    Raises:
        AuditUnavailable: it cannot be opened, or is not such a file
    """
    try:
        handle = safe_open.open_file(path, flags)
    except OSError as error:
        raise unavailable(error) from None
    reason = private_files.unsafe(os.fstat(handle))
    if reason:
        os.close(handle)
        raise AuditUnavailable(f"the access log {path} is not trusted: {reason}", HINT)
    return handle


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    if not path.exists() and path.with_name(path.name + COMPRESSED).exists():
        path = path.with_name(path.name + COMPRESSED)  # it was compressed since it was listed
    try:
        with os.fdopen(open_part(path), "rb") as file:
            if path.suffix != COMPRESSED:
                yield file
                return
            import gzip  # noqa: PLC0415 - most logs have no such file

            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("BinaryIO", unpacked)
    except (EOFError, zlib.error):
        raise LogBroken(f"the access log is broken in {path.name}: it cannot be decompressed", HINT) from None
    except OSError as error:
        if path.suffix == COMPRESSED and error.errno is None:  # gzip's own
            raise LogBroken(f"the access log is broken in {path.name}: it is not compressed by gzip", HINT) from None
        raise unavailable(error) from None


def part_lines(path: Path, offset: int = 0) -> Iterator[bytes]:
    """Yield the lines of one file from `offset` on. The last one may lack its line feed.

    Raises:
        AuditUnavailable: it cannot be read
        LogBroken: it cannot be decompressed
    """
    with _reading(path) as file:
        file.seek(offset)
        yield from safe_open.read_lines(file, LONGEST_LINE)


def whole_lines(path: Path, offset: int) -> Iterator[bytes]:
    """Yield the lines of one file from `offset` on, up to the first that a power cut left half written.

    Such a line lacks its line feed, or has zeros: a file's new size can be on the disk before its bytes are. Bytes
    behind it were written later, so they are not whole either.

    Raises:
        AuditUnavailable: it cannot be read
    """
    handle = open_part(path)
    try:
        with os.fdopen(handle, "rb") as file:
            file.seek(offset)
            while line := file.readline(LONGEST_LINE + 1):
                if b"\0" in line:
                    return
                if len(line) > LONGEST_LINE:
                    raise safe_open.OverLimit(LONGEST_LINE, "a line of it")
                if line.endswith(b"\n"):
                    yield line
    except OSError as error:
        raise unavailable(error) from None


def line_that_ends(path: Path, offset: int) -> bytes:
    """Return the line that ends at `offset`, or nothing if none does.

    Raises:
        AuditUnavailable: the file cannot be read
        LogBroken: it cannot be decompressed
    """
    start = max(0, offset - LONGEST_LINE)
    with _reading(path) as file:
        file.seek(start)
        data = file.read(offset - start)
    body, end, beyond = data.rpartition(b"\n")
    is_whole = len(data) == offset - start and end and not beyond
    return body.rpartition(b"\n")[2] + b"\n" if is_whole else b""


def piece(path: Path, offset: int) -> bytes:
    """Return some bytes of a file from `offset` on, as many as one entry can have at most.

    Raises:
        AuditUnavailable: it cannot be read
    """
    handle = open_part(path)
    try:
        return os.pread(handle, LONGEST_LINE, offset)
    except OSError as error:
        raise unavailable(error) from None
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_size
    except OSError as error:
        raise unavailable(error) from None


def moved_log(path: Path, end: LogEnd) -> Path | None:
    """Return the file beside the log that is what the log was: it ends with the entry that `end` names."""
    if not end.seq:
        return None
    for name in sorted(os.listdir(path.parent) if path.parent.is_dir() else ()):
        other = path.with_name(name)
        is_other = name.startswith(path.name) and other != path and other.suffix != COMPRESSED
        if is_other and _is_what_was(other, end):
            return other
    return None


def _is_what_was(path: Path, end: LogEnd) -> bool:
    try:
        return _size(path) >= end.size and audit.tip_after(Tip(end.seq - 1), line_that_ends(path, end.size)) == end.tip
    except AuditUnavailable:
        return False


def first_number(path: Path) -> int:
    """Return the number of the first entry in a file of the log, as its first line says. 1 if it has none.

    Raises:
        LogBroken: the line is no entry
    """
    line = next(part_lines(path), b"")
    number = audit.parse_log_entry(line, 1).get("seq") if line else 1
    return number if isinstance(number, int) else 1


def set_aside(path: Path, stamp: str) -> str:
    """Rename every file of the log, whatever it is. Returns the new name of the one that was written, if it was there.

    Raises:
        OSError: one of them cannot be renamed
    """
    aside = f"{path}.{stamp}"
    for part in log_parts(path)[:-1]:
        part.path.rename(aside + part.path.name.removeprefix(path.name))
    end = path.with_name(path.name + ".end")
    if end.is_dir() and not end.is_symlink():
        end.rename(f"{aside}.end")
    else:
        end.unlink(missing_ok=True)
    if not os.path.lexists(path):
        return ""
    path.rename(aside)
    return aside


def lost_entries(lost: Tip, behind: str) -> str:
    """Say what a new log does not have: the entries of the one before, and in what the vault is behind."""
    return f"after entry {lost.seq} {lost.digest}" + (f"; {behind}" if behind else "")
