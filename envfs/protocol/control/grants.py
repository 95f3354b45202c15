"""The rules: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class GrantAccess(NamedTuple):
    """Give a rule for a level and all below it. Its callers have to meet all that is named. Reply: RuleGiven.

    `seconds` 0 is without end. `dialect` is that of the dotenv texts it gets. Empty for what the levels ask for. With a
    `…_sha256`, in hex, a program counts only as long as that is its content. `birth` is in seconds, 0 for any age. With
    the SHA-256 of a `token` the rule is for its bearers. With `session` as well, it ends with the process that asks.
    """

    level: str
    uid: int | None = None
    seconds: int = 0
    dialect: str = ""
    gid: int | None = None
    exe: str = ""
    exe_sha256: str = ""
    script: str = ""
    script_sha256: str = ""
    under: str = ""
    under_sha256: str = ""
    cgroup: str = ""
    unit: str = ""
    only: tuple[str, ...] = ()
    max_reads: int = 0
    birth: int = 0
    decision: str = "allow"
    can: tuple[str, ...] = ()
    token: str = ""
    session: bool = False


class UseToken(NamedTuple):
    """Act by a token from now on, on this connection, and by nothing else. Descriptor: the token. Reply: Done."""


class Revoke(NamedTuple):
    """Take the rules of exactly this level back that name all this, or the one with an `id`."""

    level: str
    uid: int | None = None
    gid: int | None = None
    exe: str = ""
    script: str = ""
    under: str = ""
    cgroup: str = ""
    unit: str = ""
    id: str = ""


class ListGrants(NamedTuple):
    """All rules, as far as the caller may give rules there. Rows: GrantRow."""


class ExplainAccess(NamedTuple):
    """Which rule answers a caller at a level: the process `pid`, or one that is as the rest says. Reply: Explained.

    Rows: RuleRow, the most specific rule first.
    """

    level: str
    pid: int = 0
    uid: int | None = None
    gid: int | None = None
    exe: str = ""
    script: str = ""
    under: str = ""
    cgroup: str = ""
    unit: str = ""
    capability: str = "read"


class GrantRow(NamedTuple):
    """One rule. `until` is wall-clock text or empty, `seconds_left` is -1 without end. `dialect` may be empty.

    `who` describes its callers. Of `max_reads` processes (0: any number) `reads` have read. `by` is the uid that gave
    it, None for the owner, `by_token` the id of the token whose bearer did. It ends with a `process`, 0 for none.
    """

    level: str
    uid: int | None
    user: str
    until: str
    seconds_left: int
    dialect: str = ""
    id: str = ""
    who: str = ""
    decision: str = "allow"
    can: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    max_reads: int = 0
    reads: int = 0
    birth: int = 0
    gid: int | None = None
    exe: str = ""
    script: str = ""
    under: str = ""
    cgroup: str = ""
    unit: str = ""
    pinned: bool = False
    is_token: bool = False
    by: int | None = None
    process: int = 0
    by_token: str = ""


class RuleRow(NamedTuple):
    """How one rule answers a caller: `decides`, `denies`, `in doubt`, `is overruled`, `does not match`, `has ended`."""

    id: str
    level: str
    who: str
    decision: str
    answer: str
    reason: str = ""


class RuleGiven(NamedTuple):
    """There is a new rule, with this id. `who` describes its callers."""

    id: str
    notes: tuple[str, ...] = ()
    who: str = ""


class Explained(NamedTuple):
    """The decision for a caller at a level, and its rule. The last three are the face."""

    decision: str
    rule: str
    uid: int
    executable: str
    dialect: str = ""
    masked: bool = False
    only: tuple[str, ...] = ()


GrantsRequest = GrantAccess | UseToken | Revoke | ListGrants | ExplainAccess
GrantsRow = GrantRow | RuleRow
GrantsReply = RuleGiven | Explained
