"""Which values some readers of `.env` files take for something else.

Measured with 45 parsers on the portable form, and with those of each dialect (docs/format.md §6). Nothing here quotes a
value.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from envfs.dotenv import dialect_names, dialects, writing

_EXPANDERS = "dotenv-expand, next, vite and bun"
_NODE = "the dotenv of node and its kin (next, vite, deno, bun, dotenvx, c12)"
_PLAIN = "decouple, starlette"  # of Python: they read no escape
_DOLLARS = f"python-dotenv, node's dotenv, compose 1, {_PLAIN}"
_STRICT = "vlucas, dotenvy and uv"
_ONE_LINE = "docker --env-file, podman, direnv, honcho, foreman, ruby-dotenv 2.4, decouple and starlette"


class ValueDoubt(NamedTuple):
    """A part of a value, and the readers that take it for something else. `runs`: one would run it as a program."""

    has: str
    who: str
    runs: bool = False

    @property
    def text(self) -> str:
        """Say it in a sentence."""
        return f"{self.has}: {self.who}"


def _has(part: str, *others: str) -> Callable[[str], bool]:
    return lambda value: part in value and all(other in value for other in others)


def _ends_with_backslash(value: str) -> bool:
    return value.endswith("\\")


def _ends_after_command(value: str) -> bool:
    return "$(" in value and _ends_with_backslash(value)


def _command_in_single_quotes_on_lines(value: str) -> bool:
    return "$(" in value and "\n" in value and not ("'" in value or "\r" in value or _ends_with_backslash(value))


_BACKSLASH_LAST = "a backslash at the end"
_REFERENCE = re.compile(r"\$[A-Za-z0-9_]")
_Rules = tuple[tuple[Callable[[str], object], ValueDoubt], ...]
_PORTABLE: _Rules = (
    (_has("$("), ValueDoubt("$( )", "dotenv-expand 1000 runs it as a command", runs=True)),
    (_has("'", "$("), ValueDoubt("' and $( )", "dotenvx runs it as a command", runs=True)),
    (_has("\r", "$("), ValueDoubt("a carriage return and $( )", "dotenvx runs it as a command", runs=True)),
    (_ends_after_command, ValueDoubt("$( ) and a backslash at the end", "dotenvx runs it as a command", runs=True)),
    (
        _command_in_single_quotes_on_lines,
        ValueDoubt("a line break and $( )", "ruby-dotenv 2.4 runs it as a command", runs=True),
    ),
    (
        _has("\r"),
        ValueDoubt(
            "a carriage return",
            f"shells, systemd, node --env-file, vite, deno, ruby, foreman, honcho, {_PLAIN}, uv and dotenvy lose it",
        ),
    ),
    (
        _ends_with_backslash,
        ValueDoubt(
            _BACKSLASH_LAST,
            f"{_NODE}, {_PLAIN} double it; godotenv refuses the file, python-dotenv up to 1.2.2 and compose 1 lose it",
        ),
    ),
    (_has("'", '"'), ValueDoubt("' and \"", f"{_NODE}, {_PLAIN} keep a backslash before the quote")),
    (_has("'", "\\"), ValueDoubt("' and a backslash", f"{_NODE}, {_PLAIN} double the backslash")),
    (
        _has("'", "`"),
        ValueDoubt(
            "' and a backtick",
            f"{_NODE}, python-dotenv, honcho, {_PLAIN}, compose and symfony keep a backslash; {_STRICT} refuse it",
        ),
    ),
    (_has("'", "$"), ValueDoubt("' and $", f"{_DOLLARS}, direnv and honcho keep a backslash before the $")),
    (
        _has("\n", "$"),
        ValueDoubt("a line break and $", f"{_DOLLARS} keep a backslash before the $"),
    ),
    (_has("\\\\"), ValueDoubt("two backslashes", "python-dotenv and compose 1 make one of them")),
    (_has("${"), ValueDoubt("${", f"{_EXPANDERS}, python-dotenv and compose 1 expand it in any quotes")),
    (_REFERENCE.search, ValueDoubt("$ before a letter or digit", f"{_EXPANDERS} expand it in any quotes")),
    (_has("\n"), ValueDoubt("a line break", f"{_ONE_LINE} have no such values")),
)
_NODES: _Rules = (
    (_has("\r"), ValueDoubt("a carriage return", "node --env-file, vite and deno take it for a backslash and an r")),
    (_has("\r", '"'), ValueDoubt('a carriage return and "', "the dotenv of node ends the value at the quote")),
    (_has("\r", r"\n"), ValueDoubt(r"a carriage return and \n", r"the dotenv of node takes \n for a line break")),
    (_has("'", "`", r"\n"), ValueDoubt(r"', ` and \n", r"the dotenv of node takes \n for a line break")),
    (_has("'", "`", "$"), ValueDoubt("', ` and $", "deno expands it")),
)
_BY_DIALECT: dict[str, _Rules] = {
    dialect_names.PORTABLE: _PORTABLE,
    "python": ((_ends_with_backslash, ValueDoubt(_BACKSLASH_LAST, "python-dotenv up to 1.2.2 loses the variable")),),
    "node": (*_NODES, (_has("'", "$"), ValueDoubt("' and $", "dotenvx expands it, or loses a backslash before it"))),
    "expand": (
        *_NODES,
        (_has(r"\$"), ValueDoubt("a backslash before $", "dotenv-expand 11 and c12 lose the backslash")),
        (
            _ends_with_backslash,
            ValueDoubt(_BACKSLASH_LAST, "bun runs on, if it is after a quote, a # or a line break"),
        ),
    ),
}


def portability_doubts(value: str, dialect: str = dialect_names.PORTABLE) -> tuple[ValueDoubt, ...]:
    """Say what of a value some readers of a dialect take for something else."""
    if writing.is_plain(value):
        return ()  # every reader of every dialect takes it as it is
    return tuple(doubt for applies, doubt in _BY_DIALECT.get(dialect, ()) if applies(value))


def is_doubtful(value: str) -> bool:
    """Tell whether some reader of some dialect takes a value for something else, or a dialect refuses it."""
    if writing.is_plain(value) or not value:
        return False  # the usual value, of which a level may have a hundred thousand
    names = dialect_names.NAMES
    return any(portability_doubts(value, dialect) or dialects.dialect_refusal(value, dialect) for dialect in names)
