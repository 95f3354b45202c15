"""`key`: list the keys of projects, or give one a new key."""

from envfs.core import names
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.replies.projects import need_project
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_SHORT = 12  # characters of a key's id


class KeyArguments(NamedTuple):
    """The arguments of `key`."""

    action: "Literal['ls', 'rotate']"
    project: str | None
    message: str | None
    passphrase_file: str | None
    json: bool


def run_key(arguments: KeyArguments) -> int:
    """List keys, or rotate one."""
    match arguments.action:
        case "ls":
            return _list(arguments)
        case "rotate":
            return _rotate(arguments)
        case _:
            raise Unhandled(arguments.action)


def _list(arguments: KeyArguments) -> int:
    asking = session.start_session(arguments.passphrase_file, arguments.project)
    rows, status = damage.intact_rows(asking.rows(control.ListKeys(arguments.project or "")), control.KeyRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    cells = [
        (row.project, str(row.number), row.kid[:_SHORT], "newest" if row.newest else "history", str(row.levels))
        for row in rows
    ]
    output.print_table(
        ("PROJECT", "KEY", "KID", "USE", "LEVELS"), cells, none="there is no project, so there is no key"
    )
    return status


def _rotate(arguments: KeyArguments) -> int:
    if not arguments.project:
        raise Mistake("`envfs key rotate` needs a project", "name it, as in `shop`")
    message = check_message(arguments.message)
    asking = session.start_session(arguments.passphrase_file, arguments.project)
    name, received = names.parse_level(arguments.project), list[object]()
    need_project(asking, name)
    asking.with_passphrase(control.RotateKey(name, message), "sealing everything again", received)
    resealed = [row for row in received if isinstance(row, control.ResealedRow)]
    if arguments.json:
        output.rows_json(resealed)
        return 0
    for row in resealed:
        output.print_line(output.clean(f"{row.level}: version {row.version}"))
    output.done(f"{name} has a new key")
    return 0
