r"""Writes variables so that the most readers get back exactly what was meant, and none runs it.

Law: what is written here and read by envfs.dotenv.document is the same value, for every value. No `$` is left open to
interpolation. The forms were chosen by measuring 45 parsers (docs/format.md, "The portable form"):

| the value                         | is written                                                       |
|-----------------------------------|------------------------------------------------------------------|
| empty                             | nothing                                                          |
| only A-Z a-z 0-9 _ . / : @ % + , ^ - and = | as it is; no = in the first place                       |
| has a CR                          | "…" with \\ \" \$ \` and \n \r                                   |
| ends with a backslash             | "…" with \\ \" \$ \` and the guard line below                    |
| has a '                           | "…" with \\ \" \$ \`, line breaks as they are                    |
| has a line break, none of " \ ` $( | "…" with \$, line breaks as they are                            |
| anything else                     | '…' as it is                                                     |
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from envfs.core import names
from envfs.errors import BadName, Malformed

GUARD: Final = '#"x'  # where a reader takes \" for an escaped quote and runs on, this makes it fail and back up

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,^-][A-Za-z0-9_./:@%+,^=-]*")
_SPECIAL = re.compile(r'[\\"$`]')
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_ESCAPED: Final = {"\\": r"\\", '"': r"\"", "`": r"\`"}
_NEEDS_SINGLE = ('"', "\\", "`", "$(")


def portable_text(variables: Mapping[str, str]) -> str:
    """Return the text of a `.env` file. Names outside our grammar are left out (`unportable_names` tells which).

    Raises:
        Malformed: a value has a NUL or half a surrogate pair
    """
    return "".join(assignment_line(name, value) for name, value in variables.items() if is_portable_name(name))


def unportable_names(variables: Mapping[str, str]) -> tuple[str, ...]:
    """List the names that `portable` leaves out: one dash makes five readers refuse a whole file."""
    return tuple(name for name in variables if not is_portable_name(name))


def assignment_line(name: str, value: str) -> str:
    """Return the line of one variable, or its lines, with the line end.

    Raises:
        BadName: the name is outside our grammar
        Malformed: the value has a NUL or half a surrogate pair
    """
    return f"{names.parse_variable(name)}={guarded_value(value)}\n"


def guarded_value(value: str) -> str:
    """Return a value as `written`, followed by the guard line if it needs one, without the last line end.

    Raises:
        Malformed: a NUL or half a surrogate pair
    """
    guard = value.endswith("\\") and "\r" not in value
    return f"{quote_value(value)}\n{GUARD}" if guard else quote_value(value)


def environ_bytes(variables: Mapping[str, str]) -> bytes:
    """Return `NAME=value` entries, each ended by a NUL, in UTF-8, as in /proc/PID/environ.

    Raises:
        BadName: a name is empty or has a `=` or a NUL
        Malformed: a value has a NUL or half a surrogate pair
    """
    return b"".join(_environ_entry(name, value) for name, value in variables.items())


def quote_value(value: str) -> str:
    """Return a value in the portable form: bare, in single or in double quotes.

    Raises:
        Malformed: a NUL or half a surrogate pair
    """
    check_storable(value)
    if not value or is_plain(value):
        return value
    return double_quoted(value) if _wants_double(value) else f"'{value}'"


def is_plain(value: str) -> bool:
    """Tell whether every reader takes the value as it is, without quotes."""
    return _PLAIN.fullmatch(value) is not None


def double_quoted(value: str) -> str:
    """Return the value in double quotes, whatever it is. Line breaks stay, unless there is a CR."""
    inner = escape_value(value)
    if "\r" in inner:
        inner = inner.replace("\r", r"\r").replace("\n", r"\n")
    return f'"{inner}"'


def escape_value(value: str) -> str:
    r"""Return the value with a backslash before each \\ " $ and backtick."""
    return _SPECIAL.sub(r"\\\g<0>", value)


def template_value(value: str, literal: Collection[int]) -> str:
    r"""Return a value in double quotes, whose `$` may begin references. Those at the offsets `literal` become `\$`."""
    pieces = [_ESCAPED.get(sign, sign) for sign in value]
    for offset in literal:
        pieces[offset] = r"\$"
    inner = "".join(pieces)
    if "\r" in inner:
        inner = inner.replace("\r", r"\r").replace("\n", r"\n")
    return f'"{inner}"'


def _wants_double(value: str) -> bool:
    if "\r" in value or "'" in value or value.endswith("\\"):
        return True
    return "\n" in value and not any(mark in value for mark in _NEEDS_SINGLE)


def is_portable_name(name: str) -> bool:
    """Tell whether every reader knows the name as one."""
    return names.is_variable(name)


def check_storable(value: str) -> None:
    """Raise Malformed for a value that no environment can hold."""
    if _FORBIDDEN.search(value):
        raise Malformed("the value has a character that no environment can hold", "a NUL or half a surrogate pair")


def _environ_entry(name: str, value: str) -> bytes:
    if not name or "=" in name or _FORBIDDEN.search(name):
        raise BadName("not a name that an environment can hold", "it is empty or has a = or a NUL")
    check_storable(value)
    return f"{name}={value}\0".encode()
