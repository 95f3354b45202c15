"""The face of a level: in which of its forms a caller gets it."""

from fnmatch import fnmatchcase
from typing import NamedTuple


class Face(NamedTuple):
    """How a level is shown to a caller.

    `dialect` is that of its dotenv texts, empty for the one that the level asks for. `masked`: with placeholders where
    the values are. `only` are globs, of which one has to match a variable's name for it to be shown. Empty: all are.
    """

    dialect: str = ""
    masked: bool = False
    only: tuple[str, ...] = ()

    def shows(self, name: str) -> bool:
        """Tell whether a variable of this name is shown."""
        return not self.only or any(fnmatchcase(name, glob) for glob in self.only)

    def has_values_of(self, other: "Face") -> bool:
        """Tell whether both show the same variables with the same values, whatever their dialects."""
        return self.masked == other.masked and self.only == other.only

    def covers(self, other: "Face") -> bool:
        """Tell whether a caller with this face may have the other one: the same variables, or placeholders of them."""
        return self.only == other.only and (other.masked or not self.masked)

    def without_dialect(self) -> "Face":
        """Return the face of a text that no dialect changes."""
        return self if not self.dialect else self._replace(dialect="")

    @property
    def is_whole(self) -> bool:
        """Tell whether every variable is shown, with its value."""
        return not self.masked and not self.only


PLAIN_FACE = Face()
