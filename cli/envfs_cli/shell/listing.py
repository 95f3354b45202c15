"""`ls` of the shell: the levels below one, and the variables of its view with the level that sets each.

Law: no value is read. A caller without a right to the names gets the levels below, and is told that.
"""

from envfs.core import names
from envfs.errors import EnvFSError, NoSuchLevel, NoSuchVariable, NotApproved
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session


class ListedPlace(NamedTuple):
    """A level that is listed, or one variable of it (empty: all), and whether with versions and times."""

    level: str
    name: str = ""
    is_long: bool = False


def print_listing(what: ListedPlace, passphrase_file: "str | None") -> int:
    """Print levels and variables.

    Raises:
        NoSuchVariable: the one that is named is not set
    """
    asking = session.start_session(passphrase_file)
    levels = [row for row in asking.rows(control.ListLevels(what.level)) if isinstance(row, control.LevelRow)]
    refusal, variables = _variables(asking, what)
    cells = [] if what.name else [_level_cells(row, what) for row in _children(levels, what.level)]
    cells += [_variable_cells(row, what) for row in variables if what.name in ("", row.name)]
    if what.name and not cells:
        raise NoSuchVariable(f"{what.level} has no variable of that name, and no such level", "`ls` lists both")
    heads = ("NAME", "SET BY", "SINCE") if what.is_long else ("NAME", "SET BY")
    output.print_table(
        heads, cells, none="nothing is set here, and there is no level below; `set demo/dev NAME` makes one"
    )
    if refusal is not None:
        output.note(f"the variables are not listed: {refusal.text}")
    return 0


def _variables(asking: "Session", what: ListedPlace) -> "tuple[EnvFSError | None, list[control.PresenceRow]]":
    try:
        sent = asking.rows(control.ListPresence(what.level, ages=what.is_long))
    except NotApproved as error:
        return error, []
    except NoSuchLevel:  # it has no text, and none above it: there are levels below alone
        return None, []
    return None, [row for row in sent if isinstance(row, control.PresenceRow)]


def _children(levels: "list[control.LevelRow]", top: str) -> "list[control.LevelRow]":
    # a level that has no text of its own is known by those below it
    rows = {row.level: row for row in levels}
    inside = {level for row in levels for level in names.chain(row.level) if level != top and names.within(level, top)}
    return [
        rows.get(level, control.LevelRow(level, 0, "", allowed=True))
        for level in sorted(inside)
        if _parent(level) == top
    ]


def _parent(level: str) -> str:
    return level.rpartition("/")[0] or names.ROOT


def _level_cells(row: control.LevelRow, what: ListedPlace) -> "tuple[str, ...]":
    told = f"version {row.version}" if row.version else "-"
    cells = f"{row.level.rpartition('/')[2]}/", told if what.is_long else "-"
    return (*cells, output.shown_time(row.time) or "-") if what.is_long else cells


def _variable_cells(row: control.PresenceRow, what: ListedPlace) -> "tuple[str, ...]":
    cells = row.name, row.source
    if not what.is_long:
        return cells
    return (*cells, f"{'' if row.exact else '≤'}{output.shown_time(row.since)}" if row.since else "-")
