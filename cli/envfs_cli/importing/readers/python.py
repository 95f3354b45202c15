r"""Python's readers: `python-dotenv` (also Flask, pydantic-settings, environs) and `django-environ`.

python-dotenv knows the escapes of Python in "…", \\ and \' in '…', and expands ${NAME} and ${NAME:-default} in any
quotes. The default is text and counts for a name that is not set. django-environ reads line by line.
"""

import re
from collections.abc import Iterator

from envfs.core import names
from envfs.dotenv.references import Piece, Reference
from envfs_cli.importing.readers.readings import Reading, join_pieces, literal_text

_SPACE = re.compile(r"\s*")
_BEFORE = re.compile(r"(?:export[^\S\n]+)?")
_NAME = re.compile(r"(?!#)(?:'([^']+)'|([^=#\s]+))[^\S\n]*")
_EQUAL = re.compile(r"=[^\S\n]*")
_QUOTED = {"'": re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL), '"': re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)}
_AFTER = re.compile(r"(?:[^\S\n]*#[^\n]*)?[^\S\n]*(?:\n|\Z)")
_REST = re.compile(r"[^\n]*\n?")
_LINE_END = re.compile(r"\r\n?")
_COMMENT = re.compile(r"(?<!\s)\s+#.*")
_SINGLE = re.compile(r"\\([\\'])")
_DOUBLE = re.compile(r"\\([\\'\"abfnrtv])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DJANGO = re.compile(r"(?:export )?([A-Za-z_0-9]+)=(.*)", re.DOTALL)
_DJANGO_ESCAPE = re.compile(r"\\(.)")


def read_python_dotenv(content: str) -> list[Reading]:
    """Read as python-dotenv does."""
    return [
        Reading(name, _expanded(value))
        for name, value in _bindings(_LINE_END.sub("\n", content.removeprefix("\ufeff")))
    ]


def read_django_environ(content: str) -> list[Reading]:
    """Read as django-environ does. A value that starts with a `$` it takes for a name when it is asked for it."""
    readings = []
    for line in content.splitlines():
        match = _DJANGO.fullmatch(line)
        if match:
            value = _without_quotes(match[2])
            readings.append(Reading(match[1], None if value.startswith("$") else literal_text(value)))
    return readings


def _bindings(content: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(content):
        name, value, at = _binding(content, at)
        after = _AFTER.match(content, at)
        if after is None:  # the rest of the line is skipped, from where it went wrong
            at = _end(_REST, content, at)
            continue
        at = after.end()
        if name and value is not None:
            yield name, value


def _binding(content: str, at: int) -> tuple[str, str | None, int]:
    """Return a name, its value if it has one, and how far both were read."""
    at = _end(_SPACE, content, at)
    at = _end(_BEFORE, content, at)
    match = _NAME.match(content, at)
    if match is None:
        return "", None, at
    name, at = match[1] or match[2], match.end()
    equal = _EQUAL.match(content, at)
    if equal is None:
        return name, None, at
    at = equal.end()
    if content.startswith("#", at) and len(equal[0]) > 1:
        return name, "", at
    quoted = _QUOTED.get(content[at : at + 1])
    if quoted is None:
        end = content.find("\n", at)
        end = len(content) if end < 0 else end
        return name, _COMMENT.sub("", content[at:end]).rstrip(), end
    value = quoted.match(content, at)
    if value is None:
        return name, None, at
    return name, _unescaped(content[at], value[1]), value.end()


def _end(pattern: re.Pattern[str], content: str, at: int) -> int:
    match = pattern.match(content, at)
    return match.end() if match else at


def _unescaped(quote: str, value: str) -> str:
    if quote == "'":
        return _SINGLE.sub(lambda sign: sign[1], value)
    return _DOUBLE.sub(lambda sign: _ESCAPES.get(sign[1], sign[1]), value)


def _expanded(value: str) -> tuple[Piece, ...]:
    parts: list[Piece] = []
    at = last = 0
    while (at := value.find("${", at)) >= 0 and (close := value.find("}", at)) >= 0:
        name, colon, default = value[at + 2 : close].partition(":")
        if colon and not default.startswith("-"):
            at += 1
            continue
        parts.append(value[last:at])
        parts += _reference(name, default[1:] if colon else None)
        at = last = close + 1
    return join_pieces([*parts, value[last:]])


def _reference(name: str, default: str | None) -> tuple[Piece, ...]:
    if not names.is_variable(name):
        return literal_text(default or "")
    return (Reference(name) if default is None else Reference(name, "-", literal_text(default)),)


def _without_quotes(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _DJANGO_ESCAPE.sub(lambda sign: sign[0] if sign[1] in "rnt" else sign[1], value[1:-1])
    return value
