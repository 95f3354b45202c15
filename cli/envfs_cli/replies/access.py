"""Which rule answers a caller, in words."""

from envfs.protocol import control
from envfs_cli import output
from envfs_cli.callers import Named
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.output import Style

_STYLES: "dict[str, Style]" = {"decides": "good", "denies": "bad", "in doubt": "warn"}


def explain_access(
    asking: session.Session, level: str, callers: Named, *, pid: int, capability: str, as_json: bool
) -> int:
    """Say what is decided for a caller, and how each rule answers it. Returns the exit status."""
    request = control.ExplainAccess(level, pid, *callers.conditions, capability)
    received: list[object] = []
    reply, _ = asking.ask(request, (), received)
    rows = [row for row in received if isinstance(row, control.RuleRow)]
    if not isinstance(reply, control.Explained):
        return 0
    if as_json:
        output.as_json({**reply._asdict(), "rules": [row._asdict() for row in rows]})
        return 0
    output.print_line(
        f"{output.paint(output.clean(reply.decision), 'head')} {capability} at {output.spoken_text(level)}"
    )
    output.print_line(f"  by         {output.clean(reply.rule)}")
    if reply.decision == "ask" and reply.masked:
        output.print_line("  a yes      gives placeholders in the place of the values")
    for row in rows:
        text = f"{row.id} {row.decision} {row.who} {row.level}" + (f": {row.reason}" if row.reason else "")
        output.print_field("  ", row.answer.ljust(14), " ", text, _STYLES.get(row.answer, "head"))
    return 0
