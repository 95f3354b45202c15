"""The environment of a command where its caller chooses: a basis of what the caller has, or what is set there first.

Laws: names alone decide, and a variable that is set and empty counts as set. Nothing of the environment is sent
anywhere.
"""

from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Entries = Sequence[bytes]

# by these a program finds its user, its programs, its terminal, its language and its place for files that do not last
_BASIS = (
    *(b"PATH", b"HOME", b"USER", b"LOGNAME", b"SHELL", b"PWD", b"TMPDIR", b"TZ"),
    *(b"TERM", b"COLORTERM", b"NO_COLOR", b"COLUMNS", b"LINES", b"LANG", b"LANGUAGE"),
)
_BASIS_PREFIX = b"LC_"


def is_of_basis(name: bytes) -> bool:
    """Tell whether a variable of the caller's stays in a clean environment."""
    return name in _BASIS or name.startswith(_BASIS_PREFIX)


def basis(inherited: "Entries") -> "list[bytes]":
    """Return the entries of the caller's that stay in a clean environment."""
    return [entry for entry in inherited if b"=" in entry and is_of_basis(_name(entry))]


def without_present(inherited: "Entries", variables: bytes) -> bytes:
    """Return NAME=value entries without those whose name is set already."""
    present = {_name(entry) for entry in inherited if b"=" in entry}
    return b"".join(entry + b"\0" for entry in variables.split(b"\0")[:-1] if _name(entry) not in present)


def entries_by(*, keeps_existing: bool, is_clean: bool) -> "Callable[[Entries, bytes], list[bytes]]":
    """Return what makes the entries of a command's environment: of those of the caller, and of a view's variables."""

    def entries(inherited: "Entries", variables: bytes) -> "list[bytes]":
        inherited = basis(inherited) if is_clean else inherited
        chosen = without_present(inherited, variables) if keeps_existing else variables
        return replacement.environment_entries(inherited, chosen)

    return entries


def _name(entry: bytes) -> bytes:
    return entry.partition(b"=")[0]
