"""Of which names of a text known readers read different values, which read otherwise, and what divides them.

Law: names and kinds of signs are told, never a value.
"""

from collections.abc import Iterable
from typing import NamedTuple

from envfs.dotenv.document import Entry, parse_document
from envfs.errors import EnvFSError
from envfs_cli.importing.readers.plain import is_plain
from envfs_cli.importing.readers.readings import Reading, RefusedText, by_name, printable_names
from envfs_cli.importing.readers.table import LONGEST, READERS, literal_value, pieces_of

MAINSTREAM = ("node", "python", "ruby", "symfony", "shell")
DECISIVE = ("node", "python")  # where nothing says who reads, these count before a file is replaced
UNKNOWN = (*DECISIVE, "ruby")  # where it is a reader that has no model: many have come from ruby's


class ReaderDoubt(NamedTuple):
    """A difference between readers, the names that it concerns, and the readers that do not read as EnvFS does."""

    what: str
    names: tuple[str, ...]
    readers: tuple[str, ...]

    @property
    def text(self) -> str:
        """Say it in a sentence."""
        *labels, last_label = (READERS[reader].label for reader in self.readers)
        readers = f"{', '.join(labels)} and {last_label}" if labels else last_label
        options = " or ".join(f"`--as {reader}`" for reader in self.readers)
        names = ", ".join(printable_names(self.names))
        return f"{names}: {self.what}, read differently by {readers}: {options} imports what that reads"


def reader_doubts(
    content: str, readers: Iterable[str] = MAINSTREAM, *, textual: bool = False
) -> tuple[ReaderDoubt, ...]:
    """List what readers read otherwise than EnvFS. `textual`: that they expand references or not does not count."""
    if is_plain(content) or len(content) > LONGEST:
        return ()
    try:
        document = parse_document(content)
    except EnvFSError:
        return ()
    entries = {entry.name: entry for entry in document.entries if entry.name is not None}
    by: dict[str, dict[str, list[str]]] = {}  # by what, by readers, names
    otherwise: dict[str, list[str]] = {}
    for reader in readers:
        for name in _otherwise(content, entries, reader, textual=textual):
            otherwise.setdefault(name, []).append(reader)
    for name, listed in otherwise.items():
        by.setdefault(_what(entries.get(name)), {}).setdefault(",".join(listed), []).append(name)
    return tuple(
        ReaderDoubt(subject, tuple(listed), tuple(joined.split(",")))
        for subject, groups in by.items()
        for joined, listed in groups.items()
    )


def _otherwise(content: str, entries: dict[str, Entry], reader: str, *, textual: bool) -> list[str]:
    try:
        readings = by_name(READERS[reader].read(content))
    except RefusedText:
        return []
    names = [*entries, *(name for name in readings if name not in entries)]
    return [name for name in names if not _same(entries.get(name), readings.get(name), textual=textual)]


def _same(entry: Entry | None, reading: Reading | None, *, textual: bool) -> bool:
    if entry is None or reading is None:
        return False
    pieces = pieces_of(entry)
    if textual:
        return reading.pieces is not None and literal_value(pieces) == literal_value(reading.pieces)
    return pieces == reading.pieces


def _what(entry: Entry | None) -> str:
    raw = entry.raw[entry.start :] if entry is not None else ""
    value = entry.raw[entry.start : entry.end] if entry is not None else ""
    if entry is None:
        return "a line"
    if value.lstrip().startswith("`"):
        return "backtick quotes"
    signs = (
        ("\\", "a backslash"),
        ("$", "a $"),
        ("`", "a backtick"),
        ("\r", "a carriage return"),
        ("\n", "a line break"),
    )
    for sign, description in signs:
        if sign in value:
            return description
    if "#" in raw:
        return "a #"
    return "quotes" if "'" in value or '"' in value else "blanks"
