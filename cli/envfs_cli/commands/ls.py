"""`ls`: list the levels that this user may know of, or the names of their variables."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.terminal import prompts


class LsArguments(NamedTuple):
    """The arguments of `ls`."""

    level: str | None
    names: bool
    removed: bool
    passphrase_file: str | None
    json: bool


def run_ls(arguments: LsArguments) -> int:
    """List levels, or with --names the variables of their views.

    Raises:
        Mistake: both --names and --removed
    """
    if arguments.names:
        return _list_names(arguments)
    request = control.ListLevels(arguments.level or "/", arguments.removed)
    link = session.start_session(arguments.passphrase_file)
    with prompts.Waiting("listing the levels"):
        sent = link.rows(request)
    rows, status = damage.intact_rows(sent, control.LevelRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    cells = [
        (row.level, str(row.version or "-"), output.shown_time(row.time) or "-", "yes" if row.allowed else "no")
        for row in rows
    ]
    none = "no level was removed" if arguments.removed else "there is no level; `envfs set /app NAME` makes one"
    output.print_table(("LEVEL", "VERSION", "CHANGED", "APPROVED"), cells, none=none)
    return status


def _list_names(arguments: LsArguments) -> int:
    if arguments.removed:
        from envfs_cli.arguments import Mistake

        raise Mistake("a removed level has no names", "`envfs ls --removed` lists these levels")
    asking = session.start_session(arguments.passphrase_file)
    with prompts.Waiting("listing the names"):
        sent = asking.rows(control.ListPresence(arguments.level or "/", below=True))
    rows = [row for row in sent if isinstance(row, control.PresenceRow)]
    if arguments.json:
        output.as_json([{"level": row.level, "name": row.name, "source": row.source} for row in rows])
    else:
        output.print_table(
            ("LEVEL", "NAME", "SET BY"),
            [(row.level, row.name, row.source) for row in rows],
            none="no variable is set here",
        )
    return 0
