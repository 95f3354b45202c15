r"""`.env` text for one consumer, which can carry more values exactly than text for all of them.

Laws: no value makes the consumer run anything or changes how it reads the other variables. A value that would is
refused, by the variable's name. Other values that a dialect cannot carry are named by envfs.dotenv.portability. The
forms were chosen by running the consumers themselves (docs/format.md, "Dialects"):

| dialect              | read by                                          | a value is written                        |
|----------------------|--------------------------------------------------|-------------------------------------------|
| portable             | as many as can be                                | see envfs.dotenv.writing                  |
| shell                | sh, bash, dash, zsh, mksh, busybox               | '…', a ' as '\''                          |
| docker               | docker --env-file, podman                        | as it is; no line breaks                  |
| systemd              | EnvironmentFile=                                 | portable; a CR as it is, in '…' or "…"    |
| python               | python-dotenv with interpolate=False             | '…' with \\ and \'; "…" if there is a CR  |
| python-interpolating | python-dotenv by default, compose 1              | the same, and ${ as ${ENVFS_NONE:-$}{     |
| node                 | node's dotenv and --env-file, deno, dotenvx      | in the first of ' ` " that is not in it   |
| expand               | dotenv-expand, next, vite, bun, c12              | the same, and $ as \$                     |
| compose              | docker compose 2                                 | portable, a backtick as it is             |
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from envfs.dotenv import open_references, writing
from envfs.dotenv.dialect_names import NAMES, PORTABLE
from envfs.dotenv.document import Document, Entry, parse_document
from envfs.dotenv.residues import Residue
from envfs.errors import Malformed

_HINT = "choose another dialect for its reader, or put the variable elsewhere"
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*@dialect[ \t]+(\S+)(?=[ \t]*\r?$)", re.MULTILINE)
_PYTHON_SINGLE = re.compile(r"[\\']")
_PYTHON_DOUBLE = re.compile(r'[\\"]')
_ESCAPE_FOR_DOTENVX = re.compile(r"\\[nrt]")  # between " and "
_QUOTES: Final = ("'", "`", '"')
_BARE_FOR_NODE = re.compile(r"[^\s\ufeff'\"`#](?:[^\r\n\u2028\u2029#]*[^\s\ufeff#\r\n])?")  # \ufeff is a blank to it


class _CannotBe(Exception):
    """The dialect has no form for a value. The text says why."""


def dialect_text(
    variables: Mapping[str, str], dialect: str = PORTABLE, opened: Mapping[str, Residue] = MappingProxyType({})
) -> str:
    """Return the text of a `.env` file. Names outside our grammar are left out, as by `writing.portable_text`.

    A value in `opened` is written with its references, where the dialect's readers answer them from their environment.

    Raises:
        Malformed: a value that the dialect must not write. The name is in the text
    """
    if dialect == PORTABLE:
        return writing.portable_text(variables)
    lines = {name: open_references.open_line(name, residue, dialect) for name, residue in opened.items()}
    return "".join(
        lines.get(name) or _line(name, value, dialect)
        for name, value in variables.items()
        if writing.is_portable_name(name)
    )


def text_for_dotenvx(variables: Mapping[str, str]) -> str:
    r"""Return the text of a `.env` file that dotenvx reads exactly.

    To dotenvx a `$` is itself between ' and ', as to node. Between any other quotes it begins a reference, as to
    dotenv-expand, and `\$` is one `$`.

    Raises:
        Malformed: a value that it would run or misread. The name is in the text
    """
    lines = []
    for name, value in variables.items():
        if "'" in value and "`" in value and _ESCAPE_FOR_DOTENVX.search(value):
            text = f"{name} has a ' and a backtick, beside a backslash that dotenvx takes for an escape"
            raise Malformed(text, f"set {name} to its base64, or leave it out with --only")
        if writing.is_portable_name(name):
            lines.append(_line(name, value, "expand" if "'" in value else "node"))
    return "".join(lines)


def dialect_refusal(value: str, dialect: str) -> str:
    """Say why a dialect must not write a value, or nothing."""
    try:
        _written(value, dialect)
    except _CannotBe as error:
        return str(error)
    return ""


def named_in(document: Document) -> str:
    """Return the dialect that a text asks for with `# @dialect NAME` on a line of its own, or nothing. The last counts.

    Raises:
        Malformed: there is no such dialect
    """
    dialect = ""
    for entry, asked in _directives(document):
        if asked[1] not in NAMES:
            line = entry.line + entry.raw.count("\n", 0, asked.start())
            raise Malformed("there is no dialect of that name", f"there are {', '.join(NAMES)}", line, 1)
        dialect = asked[1]
    return dialect


def requested_dialect(documents: Sequence[Document]) -> str:
    """Return the dialect that a chain of texts asks for, the top level's first: that of the nearest which does.

    Raises:
        Malformed: there is no such dialect
    """
    return next(filter(None, map(named_in, reversed(documents))), PORTABLE)


def with_directive(document: Document, dialect: str) -> Document:
    """Return a text that asks for a dialect, wherever it asks for one already, else in its first line."""
    raws = [_with(entry, dialect) for entry in document.entries]
    head = "" if any(_directives(document)) else f"# @dialect {dialect}\n"
    return parse_document(head + "".join(raws))


def _directives(document: Document) -> Iterator[tuple[Entry, re.Match[str]]]:
    for entry in document.entries:
        if entry.name is None and "@dialect" in entry.raw:
            yield from ((entry, asked) for asked in _DIRECTIVE.finditer(entry.raw))


def _with(entry: Entry, dialect: str) -> str:
    if entry.name is not None:
        return entry.raw
    return _DIRECTIVE.sub(lambda asked: asked[0][: asked.start(1) - asked.start()] + dialect, entry.raw)


def _line(name: str, value: str, dialect: str) -> str:
    try:
        return f"{name}={_written(value, dialect)}\n"
    except _CannotBe as error:
        raise Malformed(f"{name} {error}: the dialect {dialect} cannot carry it", _HINT) from None


def _written(value: str, dialect: str) -> str:
    writing.check_storable(value)
    return writing.guarded_value(value) if dialect == PORTABLE else _DIALECTS[dialect](value)


def _bare_or(quoted: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: value if not value or writing.is_plain(value) else quoted(value)


def _shell(value: str) -> str:
    return "'" + value.replace("'", r"'\''") + "'"


def _docker(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise _CannotBe("has a line break")
    return value


def _systemd(value: str) -> str:
    if "\r" not in value:
        return writing.guarded_value(value)
    # older systemd takes a backslash in single quotes for an escape, and runs on after one at the end
    return f"'{value}'" if not {"'", "\\"} & set(value) else '"' + writing.escape_value(value) + '"'


def _python(value: str) -> str:
    # python-dotenv up to 1.2.2 takes \' or \" for an escape whatever stands before, and runs on: the guard stops it
    quoted = _python_quoted(value)
    return quoted + (f"\n#{quoted[-1]}x" if value.endswith("\\") else "")


def _python_interpolating(value: str) -> str:
    # a default for a variable that nobody has, to write a dollar, or a backslash that no quote follows
    inner = _python_quoted(value).replace("${", "${ENVFS_NONE:-$}{")
    return inner if not value.endswith("\\") else rf"{inner[:-3]}${{ENVFS_NONE:-\\}}{inner[-1]}"


def _python_quoted(value: str) -> str:
    if "\r" in value:
        return '"' + _PYTHON_DOUBLE.sub(r"\\\g<0>", value).replace("\r", r"\r") + '"'
    return "'" + _PYTHON_SINGLE.sub(r"\\\g<0>", value) + "'"


def _node(value: str) -> str:
    if "$(" in value and ("'" in value or "\r" in value):
        raise _CannotBe("has $( ) and a ' or a carriage return, which dotenvx runs as a command")
    return _for_node(value)


def _expand(value: str) -> str:
    if "$(" in value:
        raise _CannotBe("has $( ), which dotenv-expand runs as a command")
    inner = value.replace("$", r"\$")
    # bun has no way back from a \' at the end
    return inner if value.endswith("\\") and _is_bare_for_node(value) else _for_node(inner)


def _for_node(value: str) -> str:
    quote = next((sign for sign in _QUOTES if sign not in value), "")
    if "\r" in value:
        quote, value = '"', value.replace("\n", r"\n").replace("\r", r"\r")
    elif not quote:
        if not _is_bare_for_node(value):
            raise _CannotBe("has all three kinds of quotes with a line break, a #, or a quote or blank at an end")
        return value
    # a reader may take the last backslash and the quote for one sign and run on: the guard makes it back up
    return f"{quote}{value}{quote}" + (f"\n#{quote}x" if value.endswith("\\") else "")


def _is_bare_for_node(value: str) -> bool:
    return _BARE_FOR_NODE.fullmatch(value) is not None


def _compose(value: str) -> str:
    written = writing.quote_value(value)
    return written if written[:1] != '"' else written.replace(r"\`", "`")


_DIALECTS: Final[dict[str, Callable[[str], str]]] = {
    "shell": _bare_or(_shell),
    "docker": _docker,
    "systemd": _systemd,
    "python": _bare_or(_python),
    "python-interpolating": _bare_or(_python_interpolating),
    "node": _bare_or(_node),
    "expand": _bare_or(_expand),
    "compose": _compose,
}
