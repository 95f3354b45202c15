"""A dotenv text for import, read as the project's own reader reads it, or as `--as` says.

Laws: the project's other files are looked at for names of packages alone. A value that two readers read otherwise is
named, with what to do, and never quoted.
"""

import os
import re

from envfs.dotenv import dialect_names, dialects, merging
from envfs.dotenv.document import parse_document
from envfs.errors import EnvFSError
from envfs_cli.importing import input_files, projects
from envfs_cli.importing.readers import doubts, table
from envfs_cli.importing.readers.plain import is_plain
from envfs_cli.importing.readers.readings import RefusedText, printable_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from envfs_cli.importing.readers.table import ReaderModel
else:
    from envfs.tuples import NamedTuple

_LONGEST_TELLING = 1 << 20
_MOST = 20
_OF_DOTENVX = re.compile(r"^(?:export )?([A-Za-z_][A-Za-z0-9_]*)=[\"']?encrypted:", re.MULTILINE)


class Readers(NamedTuple):
    """The readers of a project's files, by their names in the table, and the reasons. `forced`: a person named them."""

    names: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    order: str = ""
    unknown: tuple[str, ...] = ()  # what speaks for readers that are not in the table
    forced: bool = False

    @property
    def one(self) -> str:
        """The one that the text is taken over from: the only one there is, beside those that read as EnvFS does."""
        others = tuple(name for name in self.names if name not in ("compose", "portable"))
        if "expand" in others:  # Vite is beside it in many projects, and reads nearly as it does
            others = tuple(name for name in others if name != "vite")
        if not others and "compose" in self.names:
            return "compose"
        return others[0] if len(others) == 1 else ""


class Text(NamedTuple):
    """A text for import, what is to be said of it, and the names in it that no environment can have."""

    text: str
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    unread: str = ""  # lines that are in no way part of it

    def __repr__(self) -> str:
        """Show how many notes, and no text."""
        return f"Text({len(self.notes)} notes)"


def folder_readers(folder: "str | None", read_as: "str | None") -> Readers:
    """Say who reads the `.env` files of a folder (None: nothing is known of one). `read_as` is what a person says."""
    if read_as:
        return Readers((read_as,), ("--as says so",), forced=True)
    evidence = projects.reader_evidence(_telling(folder)) if folder is not None else ()
    return Readers(
        tuple(clue.reader for clue in evidence if clue.reader),
        tuple(clue.why for clue in evidence if clue.reader),
        next((clue.order for clue in evidence if clue.order), ""),
        tuple(clue.why for clue in evidence if not clue.reader),
    )


def _telling(folder: str) -> "dict[str, str]":
    try:
        files = sorted(file for file in os.listdir(folder) if projects.is_telling(file))
    except OSError:
        return {}
    texts = {}
    for file in files:
        path = os.path.join(folder, file)
        try:
            if input_files.is_plain_file(path) and os.stat(path).st_size <= _LONGEST_TELLING:
                texts[file] = input_files.text_of(path)
        except (OSError, EnvFSError):
            continue  # what cannot be read speaks for nothing
    return texts


def adapted_text(text: str, who: Readers) -> Text:
    """Return a text as EnvFS is to have it."""
    encrypted = tuple(dict.fromkeys(_OF_DOTENVX.findall(text)))
    decrypts = "encrypted by dotenvx; `--from dotenvx` decrypts"
    warned = (f"{_listed(encrypted)}: {decrypts}",) if encrypted else ()
    if is_plain(text):
        return Text(text, warned)
    text, left = _without_odd_names(text)
    result = _adapted(text, who)
    said = (f"{_listed(left)}: no environment that EnvFS writes can have such a name: left out",) if left else ()
    return result._replace(notes=(*warned, *said, *result.notes), left=left)


def _without_odd_names(text: str) -> "tuple[str, tuple[str, ...]]":
    """Take out assignments whose name alone is wrong, if there are others."""
    try:
        document = parse_document(text)
    except EnvFSError:
        return text, ()
    odd = [entry for entry in document.entries if entry.problem is not None]
    named = {entry.name for entry in odd if entry.name is not None}
    if not odd or None in {entry.name for entry in odd} or named == document.variables().keys():
        return text, ()
    return "".join(entry.raw for entry in document.entries if entry.problem is None), tuple(sorted(map(str, named)))


def _adapted(text: str, who: Readers) -> Text:
    if len(text) > table.LONGEST:
        long = f"the text is longer than {table.LONGEST} characters: it is read as EnvFS reads it"
        return Text(text, (long,) if who.names else ())
    if not who.one:
        return _unadapted(text, who)
    return _as(who.one, text, who)


def _as(name: str, text: str, who: Readers) -> Text:
    reader = table.READERS[name]
    label = reader.label
    try:
        result = table.adapt_text(text, reader)
    except RefusedText:
        return Text(text, (f"{label} refuses this text: it is read as EnvFS reads it",))
    why = who.why[who.names.index(name)]
    notes = []
    if result.changed:
        notes.append(
            f"{_listed(result.changed)}: read as {label} reads it ({why}); `--as portable` reads it as EnvFS does"
        )
    if result.lost:
        outcome = "left out" if result.plain else "kept as EnvFS reads it"
        notes.append(f"{_listed(result.lost)}: {label} reads it otherwise or not at all: {outcome}; look at it")
    unread = f"{_places(result.unread)}: {label} reads nothing there" if result.unread else ""
    if unread:
        notes.append(f"{unread}, so it is left out; a value of several lines has to be in quotes")
    if result.plain:
        notes.append(f"comments are left out: EnvFS cannot read the text as it stands, and {label} can")
        if not result.text:
            return Text(text)  # which says where it is wrong
    elif result.lost:
        return _checked(text, result.text, reader, notes, result.lost)
    return _checked(text, result.text, reader, notes, ())._replace(unread=unread)


def _checked(before: str, text: str, reader: "ReaderModel", notes: "list[str]", lost: "Iterable[str]") -> Text:
    """Ask for a dialect where the reader needs one, and say what it reads otherwise from the view all the same."""
    wrong = _wrong(before, text, reader, dialect_names.PORTABLE)
    if wrong and reader.dialect != dialect_names.PORTABLE and not _asks(text):
        better = _wrong(before, text, reader, reader.dialect)
        if len(better) < len(wrong):
            text, wrong = f"# @dialect {reader.dialect}\n{text}", better
            notes.append(f"the level's text is written in the dialect {reader.dialect}, for {reader.label}")
    others = [name for name in wrong if name not in lost]
    if others:
        notes.append(f"{_listed(others)}: {reader.label} reads it otherwise from the view of this text; look at it")
    return Text(text, tuple(notes))


def _wrong(before: str, text: str, reader: "ReaderModel", dialect: str) -> "tuple[str, ...]":
    try:
        view = merging.merge_layers([merging.Layer("/", parse_document(text))])
        return table.differing_names(before, dialects.dialect_text(view.variables, dialect, view.opened), reader)
    except EnvFSError:
        return ()  # refused when it is written, or when it is read


def _asks(text: str) -> bool:
    try:
        return bool(dialects.named_in(parse_document(text)))
    except EnvFSError:
        return True


def _unadapted(text: str, who: Readers) -> Text:
    names = [name for name in who.names if name != "portable"]
    if who.forced:
        return Text(text)
    listed = doubts.reader_doubts(text, names or doubts.MAINSTREAM)
    notes = [doubt.text for doubt in listed[:_MOST]]
    if notes and names:
        notes.insert(0, f"several readers are known here ({', '.join(who.why)}): the text is read as EnvFS reads it")
    return Text(text, tuple(notes))


def kept_apart(before: str, view: str, who: Readers) -> "tuple[tuple[str, str], ...]":
    """List names of which a reader gets something else from a view than from the file, and its name in the table.

    Where nothing says who reads, or one that is not known, what two of the most used ones disagree on counts.
    """
    if is_plain(before) or who.names == ("portable",):
        return ()
    if len(before) > table.LONGEST:
        return (("a text that is too long to compare", (*who.names, "node")[0]),)
    pairs = [
        (name, reader)
        for reader in who.names
        if reader != "portable"
        for name in table.differing_names(before, view, table.READERS[reader])
    ]
    if not who.names or who.unknown:
        for doubt in doubts.reader_doubts(before, doubts.UNKNOWN if who.unknown else doubts.DECISIVE, textual=True):
            pairs += [(name, doubt.readers[0]) for name in doubt.names]
        # a reference to what only the reader's environment has
        pairs += [(name, "shell") for name in table.differing_names(before, view, table.READERS["portable"])]
    return tuple(dict(reversed(pairs)).items())


def _places(lines: "tuple[int, ...]") -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(map(str, lines[:_MOST]))}" + (" and more" if len(lines) > _MOST else "")


def _listed(names: "Iterable[str]") -> str:
    listed = printable_names(names)
    more = len(listed) - _MOST
    return ", ".join(listed[:_MOST]) + (f" and {more} more" if more > 0 else "")
