"""`history` and `rollback`: a level's versions."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import damage, output, session, terminal
from envfs_cli.commands.values import message_of, report

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
    cells = [
        (str(row.version), row.time[:19].replace("T", " "), row.author[:8], _changes(row), _operation(row), _line(row))
        for row in rows
    ]
    output.table(("VERSION", "TIME", "AUTHOR", "CHANGES", "OPERATION", "MESSAGE"), cells)
    return status


def _operation(row: control.VersionRow) -> str:
    # `rollback to 7`, `moved from /a`; of a release that knows more words, its word
    source = f" from {row.source_level}" if row.source_level else ""
    return f"{row.operation or '-'}{source}{f' to {row.source_version}' if row.source_version else ''}"


def _line(row: control.VersionRow) -> str:
    first, _, more = row.message.partition("\n")
    return f"{first} …" if more else first


def _changes(row: control.VersionRow) -> str:
    if not row.time:
        return "-"  # nobody can say any more
    signed = [f"{sign}{name}" for sign, listed in zip("+~-", row[3:6], strict=True) for name in listed]
    more = len(signed) - _NAMES_SHOWN
    return " ".join(signed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "") if signed else "(text only)"


def rollback(values: "Values") -> int:
    """Write a new version with the text of an old one."""
    level, version, message = str(values["level"]), int(str(values["version"])), message_of(values)
    link = session.start(values)
    link.let_go()
    if not values["yes"] and not terminal.confirm(f"write version {version} of {level} as its newest?"):
        raise EnvFSError("not confirmed, so nothing was changed", "say yes, or use --yes")
    reply = link.reply(control.Rollback(level, version, message))
    if isinstance(reply, control.Written):
        report(reply, as_json=bool(values["json"]))
    return 0
