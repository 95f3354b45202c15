"""The versions of levels and the requests that write one, with rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class CheckWrite(NamedTuple):
    """Say what would refuse a new value of a variable, before a person is asked for it. Reply: Done."""

    level: str
    name: str


class SetVariable(NamedTuple):
    """Set one variable of one level. Descriptor: the value. `trim` drops the line end of a value of one line.

    With `template` the value may refer to other variables, with `canary` the variable is marked as one. `message` is
    sealed with the new version, here as in the other requests that write one.
    """

    level: str
    name: str
    trim: bool = False
    template: bool = False
    message: str = ""
    canary: bool = False


class SetVariables(NamedTuple):
    """Set several variables of one level in one version. Descriptor: their values in order, each ended by a NUL.

    `trim` and `template` as in SetVariable, for each of them.
    """

    level: str
    names: tuple[str, ...]
    trim: bool = False
    template: bool = False
    message: str = ""


class UnsetVariable(NamedTuple):
    """Remove one variable from one level's own text."""

    level: str
    name: str
    message: str = ""


class RenameVariable(NamedTuple):
    """Give one variable of one level's own text another name, where it stands."""

    level: str
    name: str
    new_name: str
    message: str = ""


class RotateVariable(NamedTuple):
    """Take one step of the rotation of a variable. Descriptor: the new value, with the phases `direct` and `begin`.

    With `apply` it may come again, as the value that a command applied: then no other one takes the variable's place.
    `phase` is a word of core.rotation.RotationPhase. With `overlap` (seconds) `direct` and `apply` keep the value
    before for so long, and `begin` finds out whether that can be. `trim` as in SetVariable.
    """

    level: str
    name: str
    phase: str
    trim: bool = False
    overlap: int = 0
    message: str = ""


class ImportText(NamedTuple):
    """Set every variable of a dotenv text, or replace the level's text by it. Descriptor: the text.

    With `dry` nothing is written, and the reply says what would be changed. With `expected` it is refused if the level
    has another version by then (0: any text at all).
    """

    level: str
    replace: bool = False
    dry: bool = False
    message: str = ""
    expected: int = -1


class Rollback(NamedTuple):
    """Write a new version with the text of an old one, or with `names` with these variables as they were in it."""

    level: str
    version: int
    message: str = ""
    names: tuple[str, ...] = ()


class CopyVariables(NamedTuple):
    """Set the variables of level `source`, or those named, at `level` as well. With `move` they are unset at `source`.

    `version` or `moment` is of `source`, as for ReadView.
    """

    level: str
    source: str
    names: tuple[str, ...] = ()
    version: int = 0
    move: bool = False
    message: str = ""
    moment: str = ""


class MoveLevel(NamedTuple):
    """Move a level and all below it, with their versions, to `target`, where there is none yet."""

    level: str
    target: str
    message: str = ""


class RemoveLevel(NamedTuple):
    """Remove a level, and with `below` all levels below it. Their versions stay, so a rollback brings each back."""

    level: str
    below: bool = False
    message: str = ""


class ForgetVersions(NamedTuple):
    """Forget the bytes of a level's versions before number `before`, or before a time (UTC, as records have it).

    A number below 0 is so many before the newest. With neither, of all but the newest. With `dry` nothing is forgotten,
    and the reply says what would be.
    """

    level: str
    before: int = 0
    before_time: str = ""
    dry: bool = False


class ListHistory(NamedTuple):
    """The `newest` versions of one level (0: all), the newest first. Rows: VersionRow.

    With `version` or `moment` those up to that one, as for ReadView. With a `name` those alone that changed that
    variable, under the names that it had before.
    """

    level: str
    newest: int = 0
    version: int = 0
    moment: str = ""
    name: str = ""


class RenameFact(NamedTuple):
    """A variable that has another name now: its value left the one and came to the other, in one version."""

    before: str
    now: str


class VersionRow(NamedTuple):
    """One version of a level, with the names that it changed.

    `operation` is the word for what wrote it, `source_version` and `source_level` where that took the text from (0,
    empty), `message` what its author said of it, for the owner alone. All empty where the record says nothing.
    A variable of `renamed` is among `added` and `removed` too. `author_name` is what the owner calls the author, or
    empty. If the caller may not have names, `names_shown` is false and there are none.
    """

    version: int
    time: str
    author: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    operation: str = ""
    source_version: int = 0
    source_level: str = ""
    message: str = ""
    renamed: tuple[RenameFact, ...] = ()
    author_name: str = ""
    names_shown: bool = True


class Written(NamedTuple):
    """A level has a new version, or the same one when nothing changed."""

    level: str
    version: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class VersionsForgotten(NamedTuple):
    """How many versions of a level have lost their bytes, or would, and the first of those that stay."""

    level: str
    versions: int
    first_left: int
    notes: tuple[str, ...] = ()


ChangesRequest = (
    CheckWrite
    | SetVariable
    | SetVariables
    | UnsetVariable
    | RenameVariable
    | RotateVariable
    | ImportText
    | Rollback
    | CopyVariables
    | MoveLevel
    | RemoveLevel
    | ForgetVersions
    | ListHistory
)
ChangesRow = VersionRow
ChangesReply = Written | VersionsForgotten
