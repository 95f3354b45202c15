r"""Packages for node: `dotenv` (also dotenv-flow and NestJS) and `dotenv-expand` (Next, Nuxt, Create React App).

dotenv takes a value in ' " or ` if a closing one ends it, else up to a `#`; in "…" it knows \n and \r alone.
dotenv-expand then looks for $NAME and ${NAME} in any quotes; `\$` is a dollar. Both after their own expressions.
"""

import re
from collections.abc import Iterator

from envfs.core import names
from envfs.dotenv.references import Piece, Reference, nested_references
from envfs_cli.importing.readers.readings import Reading, join_pieces, lines_matched, literal_text

_BLANK = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANKS = (  # the same, spelled out
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_SPACE = re.compile(rf"[{_BLANK}]*")
_LINE = re.compile(
    rf"(?:export[{_BLANK}]++)?([A-Za-z0-9_.-]++)(?:[{_BLANK}]*=[{_BLANK}]*?|:[{_BLANK}]+?)"
    rf"([{_BLANK}]*'(?:\\'|[^'])*'|[{_BLANK}]*\"(?:\\\"|[^\"])*\"|[{_BLANK}]*`(?:\\`|[^`])*`|[^#\r\n]+)?"
    rf"[{_BLANK}]*(?:#.*)?$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"^(['\"`])([\s\S]*)\1$", re.MULTILINE)
_LINE_END = re.compile(r"\r\n?")
_REFERENCE = re.compile(r"(\\)?\$(?!\()(\{?)([A-Za-z0-9_.]+)(:?-)?(\}?)")


def read_node_dotenv(content: str) -> list[Reading]:
    """Read as node's dotenv does."""
    return [Reading(name, literal_text(value)) for name, value in _assignments(content)]


def read_dotenv_expand(content: str) -> list[Reading]:
    """Read as dotenv followed by dotenv-expand does.

    A value with a default, itself, or a brace of its own in it, is read in three ways by three of its releases.
    """
    return without_expanded_twice([Reading(name, expand_value(name, value)) for name, value in _assignments(content)])


def without_expanded_twice(readings: list[Reading]) -> list[Reading]:
    """Return readings without what is made of a value with a `$` in it: some releases expand that again."""
    odd = {
        other.name for other in readings if any(isinstance(piece, str) and "$" in piece for piece in other.pieces or ())
    }
    return [
        reading
        if odd.isdisjoint(other.name for other in nested_references(reading.pieces or ()))
        else Reading(reading.name, None)
        for reading in readings
    ]


def _assignments(content: str) -> Iterator[tuple[str, str]]:
    for match in lines_matched(_LINE_END.sub("\n", content), _LINE, _SPACE):
        value = (match[2] or "").strip(_BLANKS)
        quote = value[:1]
        value = _QUOTED.sub(lambda inner: inner[2], value)
        if quote == '"':
            value = value.replace(r"\n", "\n").replace(r"\r", "\r")
        yield match[1], value


def expand_value(itself: str, value: str) -> tuple[Piece, ...] | None:
    """Return what dotenv-expand makes of a value."""
    parts: list[Piece] = []
    last = 0
    for match in _REFERENCE.finditer(value):
        _, brace, name, default, closing = match.groups()
        if match[1]:
            if brace or value[: match.start()].endswith("\\"):
                return None
            parts.append(value[last : match.start()] + match[0][1:])
        elif (
            default
            or name == itself
            or (not brace and value.startswith("$", match.end()))
            or bool(brace) != bool(closing)
            or not names.is_variable(name)
        ):
            return None
        else:
            parts += [value[last : match.start()], Reference(name)]
        last = match.end()
    parts.append(value[last:])
    whole = join_pieces(piece.replace(r"\$", "$") if isinstance(piece, str) else piece for piece in parts)
    # what it makes of a value it may expand again
    return None if len(whole) > 1 and any(isinstance(piece, str) and "$" in piece for piece in whole) else whole
