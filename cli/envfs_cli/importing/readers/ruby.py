r"""Ruby's `dotenv` 3 (also dotenv-rails).

In "…" a backslash before anything but a `$` goes, and \n stays as two characters. $NAME and ${NAME} are expanded
outside of '…'. $(command) is run.
"""

import re

from envfs.dotenv.references import Piece, Reference
from envfs_cli.importing.readers.readings import Reading, join_pieces, lines_matched

_SPACE = re.compile(r"\s*", re.ASCII)
_LINE = re.compile(
    r"(?:export\s++)?([A-Za-z0-9_.]++)(?:\s*=\s*?|:\s+?)"
    r"(\s*'(?:\\'|[^'])*'|\s*\"(?:\\\"|[^\"])*\"|[^#\n]+)?\s*(?:#.*)?(?:$|\Z)",
    re.MULTILINE | re.ASCII,
)
_QUOTED = re.compile(r"\A(['\"])(.*)\1\Z", re.DOTALL)
_ESCAPE = re.compile(r"\\([^$])", re.DOTALL)
_REFERENCE = re.compile(r"(\\)?\$(?!\()\{?([A-Za-z0-9_]+)?\}?")


def read_ruby_dotenv(content: str) -> list[Reading]:
    """Read as ruby's dotenv does."""
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    matches = lines_matched(lines, _LINE, _SPACE)
    return [Reading(match[1], _pieces((match[2] or "").strip(" \t\n\v\f\r\0"))) for match in matches]


def _pieces(value: str) -> tuple[Piece, ...] | None:
    quoted = _QUOTED.match(value)
    quote, inner = (quoted[1], quoted[2]) if quoted else ("", value)
    if quote == "'":
        return join_pieces([inner])
    if quote == '"':
        inner = inner.replace(r"\n", r"\\n").replace(r"\r", r"\\r")
    inner = _ESCAPE.sub(lambda sign: sign[1], inner)
    return None if "$(" in inner else _expanded(inner)


def _expanded(value: str) -> tuple[Piece, ...]:
    parts: list[Piece] = []
    last = 0
    for match in _REFERENCE.finditer(value):
        parts.append(value[last : match.start()])
        last = match.end()
        if match[1] or match[2] is None:
            parts.append(match[0][1:] if match[1] else match[0])
        else:
            parts.append(Reference(match[2]) if not match[2][0].isdigit() else "")
    return join_pieces([*parts, value[last:]])
