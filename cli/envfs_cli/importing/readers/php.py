r"""PHP's readers: `symfony/dotenv`, and `vlucas/phpdotenv` (Laravel).

symfony puts several words beside each other, knows \" \r \n \\ in "…", expands $NAME and ${NAME:-default} outside of
'…' and runs $(command). phpdotenv expands ${NAME} alone, and leaves it where the name is not set.
"""

import re
from collections.abc import Iterator

from envfs.core import names
from envfs.dotenv.references import Piece, Reference
from envfs_cli.importing.readers.readings import Reading, RefusedText, join_pieces, literal_text

_NAME = r"(?i:[A-Z][A-Z0-9_]*)"
_FILLER = re.compile(r"(?:\s|#[^\n]*)+", re.ASCII)
_HEAD = re.compile(rf"(?:export[ \t]+)?({_NAME})=")
_EMPTY = re.compile(r"[ \t]*(?:#[^\n]*)?$", re.MULTILINE)
_SYMFONY = re.compile(
    rf"(?<!\\)(\\*)\$(?!\()(\{{)?({_NAME})?(:[-=][^}}]*)?(\}})?",
)
_UNSUPPORTED = re.compile(r"['\"{$]")
_VLUCAS = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")
_VLUCAS_NAME = re.compile(r"(?:export\s+)?([A-Za-z0-9_.]+|\"[A-Za-z0-9_.]+\"|'[A-Za-z0-9_.]+')\Z")
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$"}
_PHP_BLANKS = " \t\n\r\0\v"
_SHORTEST_EXPORT = 8  # of `export A` it thinks that it is a name with a blank in it
_CLOSING = re.compile(r'(?=[^\\]")')


def read_symfony(content: str) -> list[Reading]:
    """Read as symfony/dotenv does.

    Raises:
        Refused: it refuses the text
    """
    data = content.replace("\r\n", "\n").replace("\r", "\n")
    readings, at = [], _past(data, 0)
    while at < len(data):
        head = _HEAD.match(data, at)
        if head is None:
            raise RefusedText
        pieces, at = _symfony_value(data, head.end())
        readings.append(Reading(head[1], pieces))
        at = _past(data, at)
    return readings


def _past(data: str, at: int) -> int:
    filler = _FILLER.match(data, at)
    return filler.end() if filler else at


def _symfony_value(data: str, at: int) -> tuple[tuple[Piece, ...] | None, int]:
    empty = _EMPTY.match(data, at)
    if empty:
        return (), empty.end()
    if data[at] in " \t":
        raise RefusedText
    parts: list[Piece] = []
    sure = True
    while at < len(data) and data[at] != "\n":
        if data[at] == "'":
            end = data.find("'", at + 1)
            if end < 0:
                raise RefusedText
            pieces: tuple[Piece, ...] | None = literal_text(data[at + 1 : end])
            at = end + 1
        elif data[at] == '"':
            pieces, at = _symfony_double(data, at + 1)
        else:
            pieces, at = _symfony_bare(data, at)
        sure = sure and pieces is not None
        parts += pieces or ()
        if at < len(data) and data[at] == "#" and data[at - 1] in " \t":
            at = data.find("\n", at) if "\n" in data[at:] else len(data)
    return join_pieces(parts) if sure else None, at


def _symfony_double(data: str, at: int) -> tuple[tuple[Piece, ...] | None, int]:
    start = at
    while True:
        if at >= len(data):
            raise RefusedText
        if data[at] == '"' and not (data[at - 1] == "\\" and data[at - 2] != "\\"):
            break
        at += 1
    inner = data[start:at].replace('\\"', '"').replace(r"\r", "\r").replace(r"\n", "\n")
    return _symfony_expanded(inner), at + 1


def _symfony_bare(data: str, at: int) -> tuple[tuple[Piece, ...] | None, int]:
    start, value, previous = at, [], data[at - 1]
    while at < len(data) and data[at] not in "\n\"'" and not (previous in " \t" and data[at] == "#"):
        if data[at] == "\\" and data[at + 1 : at + 2] in ('"', "'"):
            at += 1
        if data.startswith("$(", at):
            return None, data.find("\n", at) if "\n" in data[at:] else len(data)
        previous = data[at]
        value.append(previous)
        at += 1
    shown = "".join(value).rstrip(_PHP_BLANKS)
    pieces = _symfony_expanded(shown)
    if pieces == literal_text(shown) and re.search(r"\s", shown, re.ASCII):
        raise RefusedText
    return pieces, max(at, start + 1)


def _symfony_expanded(value: str) -> tuple[Piece, ...] | None:
    parts: list[Piece] = []
    last = 0
    if "$(" in value or "${}" in value or ":=" in value:
        return None  # it runs the first. The last sets another name as well
    for match in _SYMFONY.finditer(value):
        parts.append(value[last : match.start()])
        last = match.end()
        if len(match[1]) % 2:
            parts.append(match[0][1:])
        elif not match[3]:
            parts.append(match[0])
        else:
            parts += _symfony_reference(match)
    whole = [*parts, value[last:]]
    return join_pieces(piece.replace("\\\\", "\\") if isinstance(piece, str) else piece for piece in join_pieces(whole))


def _symfony_reference(match: re.Match[str]) -> Iterator[Piece]:
    if match[2] and not match[5]:
        raise RefusedText
    default = match[4] or ""
    if _UNSUPPORTED.search(default):
        raise RefusedText
    yield match[1]
    yield Reference(match[3], ":-", literal_text(default[2:])) if default else Reference(match[3])
    if not match[2] and match[5]:
        yield "}"


# -- phpdotenv ---------------------------------------------------------------------------------------------------------


def read_phpdotenv(content: str) -> list[Reading]:
    """Read as vlucas/phpdotenv does.

    Raises:
        Refused: it refuses the text
    """
    readings: list[Reading] = []
    for line in _vlucas_lines(content):
        name, equals, value = line.partition("=")
        shown = name.strip(_PHP_BLANKS)
        match = _VLUCAS_NAME.match(shown) if not shown.startswith("export") or len(shown) > _SHORTEST_EXPORT else None
        if match is None:
            raise RefusedText
        if equals:
            pieces = _vlucas_value(value.strip(_PHP_BLANKS))
            readings.append(Reading(match[1].strip("\"'"), _above(pieces, {reading.name for reading in readings})))
    return readings


def _above(pieces: tuple[Piece, ...], known: set[str]) -> tuple[Piece, ...]:
    # what stands above is there. A reference to what is not stays as it is written, unless the environment has it
    return tuple(
        Reference(piece.name) if isinstance(piece, Reference) and piece.name in known else piece for piece in pieces
    )


def _vlucas_lines(content: str) -> Iterator[str]:
    held: list[str] = []
    for line in re.split(r"\r\n|\n|\r", content):
        started = '="' in line and not _stops(line, started=True)
        if started or held:
            held.append(line)
            if not _stops(line, started=started):
                continue
            line, held = "\n".join(held), []  # noqa: PLW2901 - several lines are one
        if line.strip() and not line.strip().startswith("#"):
            yield line


def _stops(line: str, *, started: bool) -> bool:
    if line == '"':
        return True
    count = len(_CLOSING.findall(line.replace("\\\\", "")))
    return count > 1 if started else count >= 1


def _vlucas_value(value: str) -> tuple[Piece, ...]:
    if value[:1] == "'":
        end = value.find("'", 1)
        _vlucas_end(value, end)
        return literal_text(value[1:end])
    if value[:1] == '"':
        return _vlucas_double(value)
    bare = re.match(r"[^\s#]*", value, re.ASCII)
    end = bare.end() if bare else 0
    _vlucas_end(value, end - 1)
    return _vlucas_expanded(value[:end])


def _vlucas_double(value: str) -> tuple[Piece, ...]:
    parts: list[Piece] = []
    at = 1
    while at < len(value) and value[at] != '"':
        if value[at] == "\\":
            sign = value[at + 1 : at + 2]
            if sign not in _ESCAPES or not sign:
                raise RefusedText
            parts.append(("\0" if sign == "$" else "") + _ESCAPES[sign])
            at += 2
        else:
            parts.append(value[at])
            at += 1
    _vlucas_end(value, at)
    whole = "".join(piece for piece in parts if isinstance(piece, str))
    return _vlucas_expanded(whole)


def _vlucas_end(value: str, end: int) -> None:
    after = value[end + 1 :]
    if end < -1 or end >= len(value) or (after.strip() and not after.lstrip().startswith("#")):
        raise RefusedText


def _vlucas_expanded(value: str) -> tuple[Piece, ...]:
    # a dollar that was escaped is marked, so that it begins nothing
    parts: list[Piece] = []
    last = 0
    for match in _VLUCAS.finditer(value):
        if not names.is_variable(match[1]) or value[: match.start()].endswith("\0"):
            continue
        parts += [value[last : match.start()], Reference(match[1], "-", (match[0],))]
        last = match.end()
    whole = [*parts, value[last:]]
    return join_pieces(piece.replace("\0", "") if isinstance(piece, str) else piece for piece in whole)
