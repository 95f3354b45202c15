"""The processes that have a value of a variable: request and row (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ListHolders(NamedTuple):
    """The live processes that were given a value of a variable of a level's view. Rows: HolderRow. Reply: Done.

    With a `version` of the level, those alone that have the value that the variable had then. With `before`, those that
    have what that version replaced. Notes say what cannot be known.
    """

    level: str
    name: str
    version: int = 0
    before: int = 0


class HolderRow(NamedTuple):
    """One process, how it has a value, and which.

    `source` is the level that sets the variable in the view that was read, and `version` the version of it that was in
    that view. `is_current` if it has that value now. `kind` is a word of `core.holding`. `channel` is that of the read
    (or `.vars`, `.history`). `pid` and `process` together name the process: no other has both. `reader` is the process
    that was given the value. `since` and `last` are when it was, the first time and the last one (UTC). `is_renewed`:
    it was given a newer value since. `script` is what the reader ran, and `rule` what let it, as the log has them.
    `unit` and `container` are empty where there is none.
    """

    level: str
    source: str
    version: int
    is_current: bool
    kind: str
    channel: str
    pid: int
    process: str
    started: str
    uid: int
    user: str
    executable: str
    name: str
    script: str
    unit: str
    container: str
    reader: int
    since: str
    last: str
    is_renewed: bool
    rule: str = ""


HoldersRequest = ListHolders
HoldersRow = HolderRow
