"""The environment of a command where a view may be too large for one: what the caller has there, and files.

Law: where a value goes into a file, the caller's variable of its name is not in the environment. Variables that the
caller keeps are chosen first, so that no file takes their place.
"""

import os

from envfs.tuples import NamedTuple
from envfs_cli.process import chosen_environment, large_values, replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Entries = Sequence[bytes]


class Given(NamedTuple):
    """How the environment of the command is chosen."""

    keeps_existing: bool
    is_clean: bool
    folder: str  # of the mount, with a file for each variable of the level, or empty


def with_files(
    command: "Sequence[str]", variables: bytes, given: Given, *, allow_dangerous: bool
) -> "tuple[bytes, Callable[[Entries, bytes], list[bytes]]]":
    """Return the variables with NAME_FILE for those without room, and what makes an environment of them.

    Raises:
        TooLarge: there is no room, and no file for it
        BadName: the command could be made to run other code by a NAME_FILE
    """
    inherited = replacement.inherited_entries()
    inherited = chosen_environment.basis(inherited) if given.is_clean else inherited
    taken: set[bytes] = set()
    if given.keeps_existing:
        variables = chosen_environment.without_present(inherited, variables)
        taken = {entry.partition(b"=")[0] for entry in inherited if b"=" in entry}
    others = [*map(os.fsencode, command), *inherited]
    shown = large_values.with_files(variables, others, given.folder, taken, allow_dangerous=allow_dangerous)
    moved = large_values.moved_names(variables, shown)
    left = [entry for entry in inherited if entry.partition(b"=")[0] not in moved]
    return shown, lambda _, chosen: replacement.environment_entries(left, chosen)
