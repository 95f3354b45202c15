"""The few signs of the screen that are no letters, and those of a terminal that has letters alone."""

from envfs.tuples import NamedTuple


class Signs(NamedTuple):
    """Marks of levels, lines between parts, and the sign of a text that goes on."""

    closed: str
    opened: str
    leaf: str
    upright: str
    level: str
    more: str


_DRAWN = Signs("▸", "▾", "·", "│", "─", "…")
_PLAIN = Signs("+", "-", ".", "|", "-", "~")


def choose_signs(encoding: "str | None") -> Signs:
    """Return the signs that a terminal of this encoding can show."""
    try:
        "".join(_DRAWN).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return _DRAWN
