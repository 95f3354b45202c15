"""The credentials that stand around in a user's account, as data (`ambient.toml`): variables and paths.

Laws: a name that a person gave for this command (the view's own variables) is not ambient. A variable is kept from the
command by its name or by the looks of its value.
"""

import os
import re
import tomllib
from fnmatch import fnmatchcase

from envfs import safe_open
from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST = 1 << 18  # bytes
_PASSWORD_IN_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\s@]*:[^/?#\s]+@|[^/?#\s@:]{16,}@)")
_PRIVATE_KEY = "PRIVATE KEY-----"


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
        """Tell whether a variable of this name is kept from a command, in whatever letters it is written."""
        upper = name.upper()
        return any(fnmatchcase(upper, pattern.upper()) for pattern in self.variables)

    def without_variables(self, entries: "Iterable[bytes]") -> "list[bytes]":
        """Return the entries of an environment that a command gets."""
        pairs = [(entry, os.fsdecode(entry).partition("=")) for entry in entries]
        return [entry for entry, (name, _, value) in pairs if not self.is_variable(name) and not has_credential(value)]


def has_credential(value: str) -> bool:
    """Tell whether a value is a credential by its looks: a password in an address, a private key, a known shape."""
    if _PASSWORD_IN_ADDRESS.search(value) or _PRIVATE_KEY in value:
        return True
    return any(
        value.startswith(beginning) and re.fullmatch(expression, value[len(beginning) :], re.ASCII)
        for _, beginnings, expression, _ in ROWS
        for beginning in beginnings
    )


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
