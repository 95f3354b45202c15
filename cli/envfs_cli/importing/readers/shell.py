r"""A shell that sources the file: `set -a; . ./.env`.

Of a line that is more than one assignment of quoted and plain words, what a shell makes cannot be told here.
"""

import re
from collections.abc import Iterator

from envfs.dotenv.references import Piece, Reference
from envfs_cli.importing.readers.readings import Reading, RefusedText, join_pieces

_COMMENT = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_HEAD = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"(?:[^\s'\"\\`$;&|<>()#!*?\[\]{}~]|\\[^\n]|\$\{[^}\n]*\}|\$[A-Za-z0-9_]*|#)+")
_END = re.compile(r"[ \t]*(?:[ \t]#[^\n]*)?(?:\n|\Z)")
_SIGN = re.compile(
    r"\\(.)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])([^}$\\\"'`]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)|[$`]", re.DOTALL
)
_NEXT = re.compile(r"[^\n]*(?:\n|\Z)")


def read_shell(content: str) -> list[Reading]:
    """Read as a shell does.

    Raises:
        Refused: there is a line that is no assignment
    """
    return list(_readings(content))


def _readings(content: str) -> Iterator[Reading]:
    at = 0
    while at < len(content):
        comment = _COMMENT.match(content, at)
        if comment and comment.end() > at:
            at = comment.end()
            continue
        head = _HEAD.match(content, at)
        if head is None:
            raise RefusedText
        pieces, at = _words(content, head.end())
        yield Reading(head[1], pieces)


def _words(content: str, at: int) -> tuple[tuple[Piece, ...] | None, int]:
    parts: list[Piece] = []
    start, sure = at, True
    while not (end := _END.match(content, at)):
        word = None
        if not (at == start and content[at] == "#"):
            word = _SINGLE.match(content, at) or _DOUBLE.match(content, at) or _BARE.match(content, at)
        if word is None:
            line_end = _NEXT.match(content, at)
            return None, line_end.end() if line_end else len(content)
        if content[at] == "'":
            parts.append(word[1])
        else:
            pieces = _expanded(word[1] if content[at] == '"' else word[0], quoted=content[at] == '"')
            sure = sure and pieces is not None
            parts += pieces or ()
        at = word.end()
    return join_pieces(parts) if sure else None, end.end()


def _expanded(inner: str, *, quoted: bool) -> tuple[Piece, ...] | None:
    parts: list[Piece] = []
    last = 0
    for sign in _SIGN.finditer(inner):
        parts.append(inner[last : sign.start()])
        last = sign.end()
        if sign[1]:
            parts.append(_escaped(sign[1], quoted=quoted))
        elif sign[2]:
            parts.append(Reference(sign[2], sign[3] or "", (sign[4],) if sign[4] else ()))
        elif sign[5]:
            parts.append(Reference(sign[5]))
        elif sign[0] == "`" or inner[last : last + 1] in ("(", "{") or re.match(r"[0-9@*#?!$-]", inner[last:]):
            return None
        else:
            parts.append("$")
    return join_pieces([*parts, inner[last:]])


def _escaped(sign: str, *, quoted: bool) -> str:
    if not quoted or sign in '\\"$`':
        return sign
    return "" if sign == "\n" else f"\\{sign}"
