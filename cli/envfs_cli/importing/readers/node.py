r"""Node's own reader: `node --env-file`, and `util.parseEnv`, by which Vite reads since its release 8.

A value in ' " or ` ends at the next one, whatever stands before it; `\n` in "…" is a line break; else it ends at a `#`.
Node 20 looks for the next `=` wherever it is and trims blanks alone, 22 and later look at each line and trim tabs and
line ends too. Where they differ, the model gives no value.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.dotenv.references import Piece
from envfs_cli.importing.readers import javascript
from envfs_cli.importing.readers.readings import Reading, by_name, literal_text


class _Release(NamedTuple):
    """The blanks that a release trims, and whether it looks at each line."""

    blanks: str
    by_line: bool


_OLDER, _NEWER = _Release(" ", by_line=False), _Release(" \t\n", by_line=True)


def read_env_file(content: str) -> list[Reading]:
    """Read as `node --env-file` does."""
    return _alike(*([Reading(*fields) for fields in _assignments(content, release)] for release in (_NEWER, _OLDER)))


def read_vite(content: str) -> list[Reading]:
    """Read as Vite does: up to its release 7 by dotenv, then by node itself. Both are followed by dotenv-expand."""
    own = [
        Reading(name, None if pieces is None else javascript.expand_value(name, "".join(map(str, pieces))))
        for name, pieces in read_env_file(content)
    ]
    return _alike(javascript.read_dotenv_expand(content), javascript.without_expanded_twice(own))


def _alike(one: list[Reading], other: list[Reading]) -> list[Reading]:
    """Return what two read, without the pieces where they do not read the same."""
    mine, theirs = by_name(one), by_name(other)
    return [
        Reading(name, mine[name].pieces if mine.get(name) == theirs.get(name) else None)
        for name in dict.fromkeys((*mine, *theirs))
    ]


def _assignments(content: str, release: _Release) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    data = content.replace("\r", "").strip(release.blanks)
    at = 0
    while at < len(data):
        end, equal = _line_end(data, at), data.find("=", at)
        if data[at] in "\n#":
            at = end + 1
        elif equal < 0:
            return
        elif release.by_line and end < equal:
            at = _past(data, end + 1, release)
        else:
            empty = release.by_line and data[equal + 1 : equal + 2] in ("", "\n")  # then it leaves the `export` there
            name = data[at:equal].strip(release.blanks) if empty else _name(data[at:equal], release)
            if not name and not release.by_line:
                return
            value, at = _value(data, equal + 1, release) if name else (None, _past(data, equal + 1, release))
            if name and value is not None:
                yield name, literal_text(value)


def _name(written: str, release: _Release) -> str:
    name = written.strip(release.blanks)
    if not name.startswith("export "):
        return name
    return name[7:].strip(release.blanks) if release.by_line else name[7:]


def _value(data: str, at: int, release: _Release) -> tuple[str | None, int]:
    """Return a value, if it is one, and where to go on."""
    if release.by_line and data.startswith("\n", at):
        return "", at + 1
    at = _past(data, at, release)
    quote, end = data[at : at + 1], _line_end(data, at)
    close = data.find(quote, at + 1) if quote and quote in "'\"`" else -1
    if close >= 0:
        inner = data[at + 1 : close]
        return inner.replace(r"\n", "\n") if quote == '"' else inner, _line_end(data, close) + 1
    if quote and quote in "'\"`":
        return (data[at:end], end + 1) if end < len(data) or release.by_line else (None, at)
    return data[at:end].partition("#")[0].strip(release.blanks), end + 1


def _past(data: str, at: int, release: _Release) -> int:
    while at < len(data) and data[at] in release.blanks:
        at += 1
    return at


def _line_end(data: str, at: int) -> int:
    end = data.find("\n", at)
    return len(data) if end < 0 else end
