"""`history` and `rollback`: a level's versions."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import damage, output
from envfs_cli.commands.values import report
from envfs_cli.daemon import session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_DEFAULT_LINES = 20
_NAMES_SHOWN = 6


def history(values: "Values") -> int:
    """List versions, the newest first."""
    count = values["lines"] if values["lines"] is not None else _DEFAULT_LINES
    sent = session.start(values).rows(control.ListHistory(str(values["level"]), int(str(count))))
    rows, status = damage.intact(sent, control.VersionRow)
    if values["json"]:
        output.rows_json(rows)
        return status
    cells = [(str(row.version), row.time[:19].replace("T", " "), row.author[:8], _changes(row)) for row in rows]
    output.table(("VERSION", "TIME", "AUTHOR", "CHANGES"), cells)
    return status


def _changes(row: control.VersionRow) -> str:
    signed = [f"{sign}{name}" for sign, found in zip("+~-", row[3:], strict=True) for name in found]
    more = len(signed) - _NAMES_SHOWN
    return " ".join(signed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "") if signed else "(text only)"


def rollback(values: "Values") -> int:
    """Write a new version with the text of an old one."""
    level, version = str(values["level"]), int(str(values["version"]))
    link = session.start(values)
    link.let_go()
    if not values["yes"] and not prompts.confirm(f"write version {version} of {level} as its newest?"):
        raise EnvFSError("not confirmed, so nothing was changed", "say yes, or use --yes")
    reply = link.reply(control.Rollback(level, version))
    if isinstance(reply, control.Written):
        report(reply, as_json=bool(values["json"]))
    return 0
