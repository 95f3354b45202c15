"""`log`: print the access log, verify it, rotate it, or begin a new one."""

import json

from envfs.errors import LogBroken
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import session
from envfs_cli.replies.written import print_notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.daemon.session import Session
    from envfs_cli.output import Style

_DEFAULT_LINES = 20
_STYLES: "dict[str, Style]" = {"refuse": "bad", "read": "good"}


class LogArguments(NamedTuple):
    """The arguments of `log`."""

    action: "Literal['verify', 'rotate', 'restart'] | None"
    lines: int | None
    follow: bool
    passphrase_file: str | None
    json: bool


def run_log(arguments: LogArguments) -> int:
    """Print the log, verify it, keep its file and go on in another, or begin a new log."""
    link = session.start_session(arguments.passphrase_file)
    match arguments.action:
        case None:
            return _print(link, arguments)
        case "verify":
            return _verify(link, as_json=arguments.json)
        case "rotate":
            print_notes(link.reply(control.RotateLog()))
        case "restart":
            print_notes(link.reply(control.RestartLog()))
        case _:
            raise Unhandled(arguments.action)
    return 0


def _print(link: "Session", arguments: LogArguments) -> int:
    count = _DEFAULT_LINES if arguments.lines is None else arguments.lines
    printer = _Printer(as_json=arguments.json)
    link.follow(control.ReadLog(count, arguments.follow), printer.take)
    return LogBroken.status if printer.is_broken else 0


def _verify(link: "Session", *, as_json: bool) -> int:
    reply = link.reply(control.VerifyLog())
    if isinstance(reply, control.Checked):
        if as_json:
            output.message_json(reply)
        else:
            output.print_line(f"the access log is whole: {reply.looked_at} entries, {reply.notes[0]}")
            for text in reply.notes[1:]:
                output.note(text)
    return 0


class _Printer:
    """Prints entries one by one. A line that is none `is_broken`, is reported once, and hides no other."""

    def __init__(self, *, as_json: bool) -> None:
        """Print sentences, or lines as they are."""
        self._as_json = as_json
        self.is_broken = False

    def take(self, row: object) -> None:
        """Print an entry."""
        if not isinstance(row, control.LogRow):
            return
        facts = _facts(row.line)
        if facts is not None:
            output.print_row(row.line.rstrip("\n") if self._as_json else _sentence(facts))
        elif not self.is_broken:
            self.is_broken = True
            output.error(LogBroken("the access log holds a line that is no entry", "`envfs log verify`"))


def _facts(line: str) -> "dict[str, object] | None":
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _sentence(facts: "dict[str, object]") -> str:
    entry = {name: output.clean(str(value)) for name, value in facts.items()}
    event = entry.get("event", "")
    where = f"{entry.get('level', '')}{'@' + str(entry['version']) if 'version' in entry else ''}"
    caller = f"uid {entry['uid']} pid {entry['pid']} {entry.get('executable', '')}" if "uid" in entry else ""
    parts = [
        output.shown_time(entry.get("time", "")),
        output.paint(event.ljust(8), _STYLES.get(event, "dim")),
        where.ljust(16),
        f"{entry.get('channel', '')} {entry.get('format') or entry.get('operation', '')}".strip().ljust(14),
        caller,
        output.paint(f"{'masked: ' * (entry.get('decision') == 'mask')}{entry.get('rule', '')}", "dim"),
    ]
    return "  ".join(part for part in parts if part).rstrip()
