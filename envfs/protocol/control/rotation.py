"""The request for what is due for rotation, with its rows (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ListRotations(NamedTuple):
    """The variables that are due at a level and below it, or within so many seconds. Rows: RotationRow.

    With `every` all of which a text says something. With a `name` that variable of the level itself, in any case.
    """

    level: str = "/"
    within: int = 0
    every: bool = False
    name: str = ""


class RotationRow(NamedTuple):
    """One variable: its state (core.rotation.RotationState), and when it became so, or will.

    `version`, `since`, `author` and `author_name` are those of the version that set its value. Version 0 where they are
    not told. Without `exact`, versions before that one were forgotten, so it may be older. `period` is in seconds. If
    `has_hooks`, there are commands that make or apply a new value; they are shown to a caller that may read the
    level, unless one is wrong.
    """

    level: str
    name: str
    state: str
    due: str
    version: int
    since: str
    author: str
    author_name: str
    exact: bool
    period: int
    expires: str
    overlap_until: str
    owner: str
    kind: str
    has_hooks: bool
    with_command: str
    from_command: str


RotationRequest = ListRotations
RotationsRow = RotationRow
