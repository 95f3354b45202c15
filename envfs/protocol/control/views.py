"""The views of levels: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ReadView(NamedTuple):
    """Ask for a view. The reply is ViewSent and one blob.

    `format` is `dotenv`, `json` or `example` (texts), `environ` (NAME=value NUL …), `exec`, `value` (the variable in
    `only`) or `own`. `exec` is `environ`, and behind a NUL more what is left of templates that refer to a command's
    environment. `own` is the level's own text to the letter in place of a view, and the reply says of which version.
    `channel` is the command's name, for the log. `version` 0 is now, a negative one is so many before the newest, else
    the view is that of the time at which this version was written. `moment` (UTC as records have it) is the view as it
    was then. For these two a ChosenRow comes first, here as in other requests that have both.
    `dialect` is that of a dotenv text, empty for the one that the grant or the level asks for. `reason` is for a person
    who has to allow it: then a WaitingRow comes first. `target` is the service whose tool gets the values, with the
    channel `push`, for the log. `masked` asks for placeholders where the caller may have values.
    """

    level: str
    format: str
    channel: str
    only: tuple[str, ...] = ()
    version: int = 0
    dialect: str = ""
    reason: str = ""
    moment: str = ""
    target: str = ""
    masked: bool = False


class DescribeView(NamedTuple):
    """The facts about a view, without its values. Rows: FactsRow, DanglingRow.

    Doubts are those of `dialect`. Empty for the one that the grant or the level asks for.
    """

    level: str
    version: int = 0
    dialect: str = ""
    moment: str = ""


class CompareLevels(NamedTuple):
    """The names in which two versions of `level` differ, or two levels. Rows: DifferenceRow. Reply: Done, with notes.

    The second side is `other` (empty: `level`) at `other_version` or `other_moment`. These and `version` and `moment`
    are as for ReadView. With `own` it is about the levels' own texts, as it always is for two versions of one level.
    """

    level: str
    version: int = 0
    moment: str = ""
    other: str = ""
    other_version: int = 0
    other_moment: str = ""
    own: bool = False


class WatchView(NamedTuple):
    """The changes of a view, until the client leaves. Rows: NewsRow, the first one as soon as it is watched."""

    level: str


class ListVariables(NamedTuple):
    """Which variables a view has and which level sets each. Rows: VariableRow."""

    level: str
    version: int = 0
    moment: str = ""


class ListPresence(NamedTuple):
    """Whether variables of a view are set, and since when. Rows: PresenceRow.

    Without `only` it is about all that are set. With `below` also about those of the levels below where the caller may
    have the names. With `ages` the rows say since when, to a caller that may know.
    """

    level: str
    only: tuple[str, ...] = ()
    below: bool = False
    ages: bool = False
    version: int = 0
    moment: str = ""


class ListLevels(NamedTuple):
    """The levels at and below one. Rows: LevelRow. With `removed`, those that were removed, for the owner alone."""

    level: str = "/"
    removed: bool = False


class ChosenRow(NamedTuple):
    """The version of a level that is meant by a time, or by a step back. 0: it had no text of its own then."""

    level: str
    version: int
    time: str


class FindVariables(NamedTuple):
    """The levels whose own text sets variables that fit a pattern. Rows: LocationRow.

    With `by_value`, those alone whose value is the one in the descriptor, or that have it in theirs.
    """

    pattern: str
    level: str = "/"
    by_value: bool = False
    trim: bool = False


class LocationRow(NamedTuple):
    """A variable of a level. `what` is `set`, or for a value `same`, `within` or `comment` (then without a name)."""

    level: str
    version: int
    name: str
    what: str


class VariableRow(NamedTuple):
    """One variable of a view."""

    name: str
    level: str


class PresenceRow(NamedTuple):
    """A variable of the view at `level`: `state` is `set`, `empty` or `not-set`, and `source` the level that sets it.

    `since` is the time of the version of that level that set its value, `exact` false if it may be older. Empty and 0:
    it is not told.
    """

    level: str
    name: str
    state: str
    source: str
    version: int = 0
    since: str = ""
    exact: bool = True


class UseFact(NamedTuple):
    """A reference at a place of a variable's text to `name`, found at `level`. Both are empty if no level sets it."""

    name: str
    level: str
    line: int = 0
    column: int = 0


class DifferenceRow(NamedTuple):
    """A variable that is `added`, `changed` or `removed` on the second side."""

    change: str
    name: str


class FactsRow(NamedTuple):
    """A variable: the levels that set it, the top first, what it refers to, and who may misread its value.

    `refused` says why the dialect must not write its value, if so: then there is no view in it.
    """

    name: str
    levels: tuple[str, ...]
    uses: tuple[UseFact, ...]
    empty: bool
    doubts: tuple[str, ...]
    refused: str = ""


class DanglingRow(NamedTuple):
    """A reference that came to nothing, `undefined`, `later` or `cycle`, the variables that led to it, and its place.

    The chain ends with the name that it is to, but for an undefined one. Column 0: the caller is not to know.
    """

    kind: str
    chain: tuple[str, ...]
    level: str = ""
    line: int = 0
    column: int = 0


class WrongDirectiveRow(NamedTuple):
    """A directive in a level's text that counts for nothing, and why. Line and column count from 1."""

    level: str
    line: int
    column: int
    text: str


class LevelRow(NamedTuple):
    """One level. Version 0 has no text of its own."""

    level: str
    version: int
    time: str
    allowed: bool


class NewsRow(NamedTuple):
    """A change of a view: `watched`, `changed` (a reader gets something else), `locked` or `unlocked`."""

    what: str


VIEW_END = b"."  # the last blob behind ViewSent. It does not come if the vault was locked while the others were sent


class ViewSent(NamedTuple):
    """A view follows in blobs, the last of which is VIEW_END. `dialect` is that of its dotenv text.

    `masked` tells that placeholders stand in the place of the values. With the format `exec`, `dangerous` are the names
    by which the command could be made to run other code.
    """

    level: str
    version: int
    variables: int
    dialect: str = "portable"
    masked: bool = False
    dangerous: tuple[str, ...] = ()


ViewsRequest = (
    ReadView | CompareLevels | DescribeView | WatchView | ListVariables | ListPresence | ListLevels | FindVariables
)
ViewsRow = (
    ChosenRow
    | DifferenceRow
    | VariableRow
    | PresenceRow
    | LocationRow
    | FactsRow
    | DanglingRow
    | WrongDirectiveRow
    | LevelRow
    | NewsRow
)
ViewsReply = ViewSent
