"""The face of a level: in which of its forms a caller gets it."""

from typing import NamedTuple


class Face(NamedTuple):
    """How a level is shown to a caller.

    `dialect` is that of its dotenv texts, empty for the one that the level asks for. `masked`: with placeholders where
    the values are. `only` are globs, of which one has to match a variable's name for it to be shown. Empty: all are.
    """

    dialect: str = ""
    masked: bool = False
    only: tuple[str, ...] = ()


PLAIN_FACE = Face()
