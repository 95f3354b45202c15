"""The grants: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class GrantAccess(NamedTuple):
    """Allow a uid to read a level and all below it. `seconds` 0 is without end.

    `dialect` is that of the dotenv texts it gets. Empty for what the levels ask for.
    """

    level: str
    uid: int
    seconds: int = 0
    dialect: str = ""


class Revoke(NamedTuple):
    """Take the grants of a uid on exactly this level back."""

    level: str
    uid: int


class ListGrants(NamedTuple):
    """All grants. Rows: GrantRow."""


class GrantRow(NamedTuple):
    """One grant. `until` is wall-clock text or empty, `seconds_left` is -1 without end. `dialect` may be empty."""

    level: str
    uid: int
    user: str
    until: str
    seconds_left: int
    dialect: str = ""


GrantsRequest = GrantAccess | Revoke | ListGrants
GrantsRow = GrantRow
