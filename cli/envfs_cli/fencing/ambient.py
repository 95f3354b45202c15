"""The credentials that stand around in a user's account, as data (`ambient.toml`): variables and paths.

Law: a name that a person gave for this command (the view's own variables) is not ambient.
"""

import os
import tomllib
from fnmatch import fnmatchcase

from envfs import safe_open
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST = 1 << 18  # bytes


class Ambient(NamedTuple):
    """Patterns of variables, and paths: `home` is of each below the home folder, the others are absolute."""

    variables: "tuple[str, ...]"
    hidden_home: "tuple[str, ...]"
    hidden: "tuple[str, ...]"
    fresh_home: "tuple[str, ...]"
    fresh: "tuple[str, ...]"
    writable: "dict[str, tuple[str, ...]]"
    guarded_work: "tuple[str, ...]"
    guarded_home: "tuple[str, ...]"

    def is_variable(self, name: str) -> bool:
        """Tell whether a variable of this name is kept from a command."""
        return any(fnmatchcase(name, pattern) for pattern in self.variables)

    def without_variables(self, entries: "Iterable[bytes]") -> "list[bytes]":
        """Return the entries of an environment that a command gets."""
        return [entry for entry in entries if not self.is_variable(os.fsdecode(entry.partition(b"=")[0]))]


def shipped_ambient() -> Ambient:
    """Return the list that comes with EnvFS."""
    path = os.path.join(os.path.dirname(__file__), "ambient.toml")
    table = tomllib.loads(safe_open.read_file(path, _LARGEST).decode())
    hidden, fresh, guarded = table["hidden"], table["fresh"], table["guarded"]
    return Ambient(
        tuple(table["variables"]["names"]),
        tuple(hidden["home"]),
        tuple(hidden["system"]),
        tuple(fresh["home"]),
        tuple(fresh["system"]),
        {agent: tuple(paths) for agent, paths in table["writable"].items()},
        tuple(guarded["work"]),
        tuple(guarded["home"]),
    )
