"""The changes of this shell, and the lines of the grammar that take each back, as a new version.

Laws: a level that is not as this shell left it is left as it is. Nothing is lost: each text that was stays a version.
"""

from envfs.core import names
from envfs.errors import Conflict, EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.shell.habits import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Versions = Mapping[str, int]

CHANGING = {
    *("cp", "edit", "generate", "import", "link", "mv", "rename", "rm", "rollback", "rotate", "set", "sync", "unset")
}
_MOST = 50  # changes that can be taken back


class VersionStep(NamedTuple):
    """One level's version before and after. 0: it was not there, or had no text."""

    level: str
    before: int
    after: int


class LineChange(NamedTuple):
    """The changes of one line. `moved` are the two paths, if it moved a level."""

    levels: "tuple[VersionStep, ...]"
    moved: "tuple[str, str] | None" = None


def versions_of(rows: "Iterable[object]") -> "dict[str, int]":
    """Return the newest versions of levels that have a text."""
    return {row.level: row.version for row in rows if isinstance(row, control.LevelRow) and row.version}


def version_steps(before: "Versions", after: "Versions") -> "tuple[VersionStep, ...]":
    """Return in which levels two moments differ."""
    return tuple(
        VersionStep(level, before.get(level, 0), after.get(level, 0))
        for level in sorted({*before, *after})
        if before.get(level, 0) != after.get(level, 0)
    )


class Changes:
    """The changes of one shell, the newest last."""

    def __init__(self) -> None:
        """Start with none."""
        self._made: list[LineChange] = []

    def note(self, change: LineChange) -> None:
        """Remember a change, if there is one."""
        if change.levels:
            self._made = [*self._made[1 - _MOST :], change]

    def newest(self, now: "Versions") -> LineChange:
        """Return the change to take back, where `now` are the newest versions.

        Raises:
            EnvFSError: this shell has changed nothing that it has not taken back
            Conflict: another version was written since
        """
        if not self._made:
            raise EnvFSError(
                "this shell has changed nothing that `undo` could take back",
                "`history` lists a level's versions, and `rollback` writes one again",
            )
        change = self._made[-1]
        for one in change.levels:
            if now.get(one.level, 0) != one.after:
                raise Conflict(
                    f"{one.level} was changed again since, so nothing was taken back",
                    f"`history {one.level}` lists its versions, for `rollback`",
                )
        return change

    def taken_back(self, now: "Versions") -> None:
        """Forget the newest change, as it was taken back. `now` are the versions since."""
        undone = self._made.pop()
        renewed = {(one.level, one.before): now.get(one.level, 0) for one in undone.levels}
        self._made = [
            change._replace(
                levels=tuple(
                    one._replace(after=renewed.get((one.level, one.after), one.after)) for one in change.levels
                )
            )
            for change in self._made
        ]


def undo_lines(change: LineChange, now: "Versions") -> "list[Line]":
    """Return the lines that take a change back, in their order, where `now` are the newest versions."""
    if change.moved is not None:
        source, target = change.moved
        return [Line("mv", (target, source))]
    return [_line_of_level(one, now) for one in reversed(change.levels)]


def _line_of_level(one: VersionStep, now: "Versions") -> Line:
    if one.before:
        return Line("rollback", (one.level, str(one.before), "--yes"))
    if any(level != one.level and names.within(level, one.level) for level in now):
        return Line("import", ("/dev/null", one.level, "--replace"))  # a level with others below it is not removed
    return Line("rm", (one.level, "--yes"))
