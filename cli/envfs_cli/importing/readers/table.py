"""The readers that are known, by the names that `--as` takes, and how a text is taken over from one to EnvFS.

Laws: what a reader reads is either written down exactly in EnvFS's own reading or named. No message has a value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from envfs.core import names
from envfs.dotenv import dialect_names, references, writing
from envfs.dotenv.document import Document, Entry, parse_document
from envfs.dotenv.references import Piece, Reference
from envfs.errors import EnvFSError
from envfs_cli.importing.readers import compose, javascript, node, php, python, ruby, shell
from envfs_cli.importing.readers.readings import Read, Reading, RefusedText, by_name, join_pieces, resolve_readings

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=|\s*#|\s*\Z", re.ASCII)
_LOOKED_AT = 20  # lines that are no assignments, each tried by leaving it out
LONGEST = 32 * 1024  # characters of a text that is compared: the readers' own expressions take their time
_TRIED = "envfs-tried"  # what a name of the environment stands for when two readings are compared


class ReaderModel(NamedTuple):
    """A reader: its model, the dialect that is written for it, whether it looks names up in the whole text."""

    label: str
    read: Read
    dialect: str = dialect_names.PORTABLE
    whole: bool = False


def read_envfs(content: str) -> list[Reading]:
    """Read as EnvFS does.

    Raises:
        Refused: it refuses the text
    """
    try:
        document = parse_document(content)
        document.check()
    except EnvFSError:
        raise RefusedText from None
    return [Reading(entry.name, pieces_of(entry)) for entry in document.entries if entry.name is not None]


def pieces_of(entry: Entry) -> tuple[Piece, ...]:
    """Return the pieces of an assignment as EnvFS reads it."""
    return join_pieces(references.cut_pieces(entry))


READERS: Final[Mapping[str, ReaderModel]] = {
    "node": ReaderModel("node's dotenv", javascript.read_node_dotenv, "node"),
    "node-env-file": ReaderModel("node --env-file", node.read_env_file, "node"),
    "expand": ReaderModel("dotenv-expand (next, vite, nuxt)", javascript.read_dotenv_expand, "expand", whole=True),
    "vite": ReaderModel("vite", node.read_vite, "expand", whole=True),
    "python": ReaderModel("python-dotenv", python.read_python_dotenv, "python-interpolating"),
    "django-environ": ReaderModel("django-environ", python.read_django_environ),
    "ruby": ReaderModel("ruby's dotenv", ruby.read_ruby_dotenv),
    "symfony": ReaderModel("symfony/dotenv", php.read_symfony),
    "phpdotenv": ReaderModel("vlucas/phpdotenv", php.read_phpdotenv),
    "shell": ReaderModel("shells", shell.read_shell, "shell"),
    "compose": ReaderModel("docker compose", compose.read_compose, "compose"),
    "portable": ReaderModel("EnvFS", read_envfs),
}


class Adapted(NamedTuple):
    """A text for EnvFS: `changed` are names that it reads otherwise as it stood, `lost` those that stay as they are.

    `plain`: it was written again, from what the reader reads. Lines that give the reader nothing, and are no comments,
    are `unread`.
    """

    text: str
    changed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    plain: bool = False
    unread: tuple[int, ...] = ()

    def __repr__(self) -> str:
        """Show the names, and not the text."""
        return f"Adapted({self.changed!r}, {self.lost!r})"


def adapt_text(content: str, reader: ReaderModel) -> Adapted:
    """Return a text that EnvFS reads as `reader` reads this one.

    Raises:
        Refused: the reader refuses it
    """
    readings = by_name(reader.read(content))
    try:
        document = parse_document(content)
    except EnvFSError:
        document = Document(())
    if not document.entries or document.faults:
        return _built(readings)._replace(unread=_unread(content, reader, readings))
    return _rewritten(document, readings)


def _built(readings: Mapping[str, Reading]) -> Adapted:
    lines = {name: reading_line(reading) for name, reading in readings.items()}
    lost = tuple(name for name, written in lines.items() if not written)
    return Adapted("".join(lines.values()), tuple(name for name in lines if name not in lost), lost, plain=True)


def _unread(content: str, reader: ReaderModel, readings: Mapping[str, Reading]) -> tuple[int, ...]:
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", content)
    odd = [place for place, line in enumerate(lines) if not _ASSIGNMENT.match(line.removeprefix("\ufeff"))]
    if not odd or _without(lines, odd, reader) == readings:
        return tuple(place + 1 for place in odd)
    return tuple(place + 1 for place in odd[:_LOOKED_AT] if _without(lines, (place,), reader) == readings)


def _without(lines: Sequence[str], places: Sequence[int], reader: ReaderModel) -> Mapping[str, Reading]:
    try:
        return by_name(reader.read("".join(line for place, line in enumerate(lines) if place not in places)))
    except RefusedText:
        return {}


def _rewritten(document: Document, readings: Mapping[str, Reading]) -> Adapted:
    last = {entry.name: place for place, entry in enumerate(document.entries) if entry.name}
    changed = [name for name in (*last, *readings) if _differs(document, last, readings, name)]
    lines = {name: reading_line(readings[name]) for name in dict.fromkeys(changed) if name in readings}
    lines = {name: written for name, written in lines.items() if written}
    entries = enumerate(document.entries)
    text = "".join(_raw(entry, last.get(entry.name or "") == place, lines) for place, entry in entries)
    added = "".join(written for name, written in lines.items() if name not in last)
    if added and text and not text.endswith("\n"):
        text += "\n"
    return Adapted(text + added, tuple(lines), tuple(name for name in dict.fromkeys(changed) if name not in lines))


def _raw(entry: Entry, is_last: bool, lines: Mapping[str, str]) -> str:
    if not entry.name or entry.name not in lines:
        return entry.raw
    return lines[entry.name] if is_last else ""


def _differs(document: Document, last: Mapping[str, int], readings: Mapping[str, Reading], name: str) -> bool:
    if name not in last or name not in readings:
        return True
    return pieces_of(document.entries[last[name]]) != readings[name].pieces


def reading_line(reading: Reading) -> str:
    """Return the line of dotenv text that EnvFS reads as a reading says. Nothing if there is none."""
    if reading.pieces is None or not names.is_variable(reading.name):
        return ""
    if all(isinstance(piece, str) for piece in reading.pieces):
        value = "".join(piece for piece in reading.pieces if isinstance(piece, str))
        try:
            return writing.assignment_line(reading.name, value)
        except EnvFSError:
            return ""
    value, literal = _template(reading.pieces)
    written = f"{reading.name}={writing.template_value(value, literal)}\n"
    try:
        entries = parse_document(written).entries
    except EnvFSError:
        return ""
    # what the words of references can hold has its own rules: whether it came out right is looked at
    return written if len(entries) == 1 and pieces_of(entries[0]) == join_pieces(reading.pieces) else ""


def _template(pieces: Iterable[Piece]) -> tuple[str, tuple[int, ...]]:
    value, literal = "", []
    for piece in pieces:
        if isinstance(piece, str):
            literal += [len(value) + at for at, sign in enumerate(piece) if sign == "$"]
            value += piece
        else:
            value += f"${{{piece.name}{piece.operator}"
            word, inner = _template(piece.word)
            literal += [len(value) + at for at in inner]
            value += word + "}"
    return value, tuple(literal)


# -- comparing ---------------------------------------------------------------------------------------------------------


def differing_names(before: str, after: str, reader: ReaderModel) -> tuple[str, ...]:
    """List the names of which a reader gets something else from `after` than it got from `before`, or might."""
    try:
        old = reader.read(before)
    except RefusedText:
        return ()  # it got nothing
    try:
        new = reader.read(after)
    except RefusedText:
        return tuple(by_name(old))
    outside = dict.fromkeys(_outside(old), _TRIED)
    differences: dict[str, None] = {}
    for environ in ({}, outside):
        was, now = (
            resolve_readings(old, environ, whole=reader.whole),
            resolve_readings(new, environ, whole=reader.whole),
        )
        differences |= dict.fromkeys(name for name, value in was.items() if value is None or now.get(name) != value)
    return tuple(differences)


def _outside(readings: Iterable[Reading]) -> Iterator[str]:
    listed = list(readings)
    assigned = {reading.name for reading in listed}
    for reading in listed:
        for reference in references.nested_references(reading.pieces or ()):
            if reference.name not in assigned or reference.name == reading.name:
                yield reference.name


def literal_value(pieces: tuple[Piece, ...] | None) -> str | None:
    """Return a value as it was written, references not looked at: so far two readers may agree and still differ."""
    if pieces is None:
        return None
    value = ""
    for piece in pieces:
        value += piece if isinstance(piece, str) else _as_written(piece)
    return value


def _as_written(reference: Reference) -> str:
    value, _ = _template((reference,))
    return value
