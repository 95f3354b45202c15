"""`log`: print the access log, count in it, verify it, rotate it, or begin a new one."""

import time

from envfs.errors import LogBroken
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import callers, log_times, output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import session
from envfs_cli.replies import log_entries, log_statistics
from envfs_cli.replies.written import print_notes
from envfs_cli.terminal.prompts import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.daemon.session import Session

_DEFAULT_LINES = 20


class LogArguments(NamedTuple):
    """The arguments of `log`."""

    action: "Literal['verify', 'stats', 'rotate', 'restart'] | None"
    lines: int | None
    follow: bool
    level: str | None
    uid: int | None
    user: str | None
    exe: str | None
    under: str | None
    decision: str | None
    event: str | None
    since: str | None
    until: str | None
    machine: str | None
    all_machines: bool
    pin: str | None
    passphrase_file: str | None
    json: bool


def run_log(arguments: LogArguments) -> int:
    """Print the log, count in it, verify it, keep its file and go on in another, or begin a new log."""
    criteria = _criteria(arguments)
    _check_options(arguments, criteria)
    link = session.start_session(arguments.passphrase_file)
    if arguments.machine is not None or arguments.all_machines:
        return _of_machines(link, arguments, criteria)
    match arguments.action:
        case None:
            return _print(link, arguments, criteria)
        case "verify":
            return _verify(link, arguments.pin or "", as_json=arguments.json)
        case "stats":
            _count(link, criteria, as_json=arguments.json)
        case "rotate":
            print_notes(link.reply(control.RotateLog()))
        case "restart":
            print_notes(link.reply(control.RestartLog()))
        case _:
            raise Unhandled(arguments.action)
    return 0


def _criteria(arguments: LogArguments) -> control.CountLog:
    now = time.time()
    uid = callers.uid_of_user(arguments.user) if arguments.user is not None else arguments.uid
    return control.CountLog(
        level=arguments.level or "",
        uid=-1 if uid is None else uid,
        exe=arguments.exe or "",
        under=arguments.under or "",
        decision=arguments.decision or "",
        event=arguments.event or "",
        since=_time(arguments.since, now),
        until=_time(arguments.until, now),
    )


def _time(text: str | None, now: float) -> str:
    try:
        return log_times.parse_log_time(text, now) if text is not None else ""
    except ValueError:
        hint = "give how long ago, as 2h or 7d, or a time, as 2026-11-21, 2026-11-21T08:00 or 2026-11-21T08:00Z"
        raise Mistake("not a time", hint) from None


def _check_options(arguments: LogArguments, criteria: control.CountLog) -> None:
    if arguments.uid is not None and arguments.user is not None:
        raise Mistake("say whose entries", "with --uid N or with --user NAME")
    if (arguments.machine is not None or arguments.all_machines) and (
        arguments.follow or arguments.pin is not None or arguments.action not in (None, "verify")
    ):
        raise Mistake("entries of other machines are printed or verified", "envfs log --all-machines")
    if arguments.machine is not None and arguments.all_machines:
        raise Mistake("say which machines", "with --machine NAME or with --all-machines")
    if arguments.pin is not None and arguments.action != "verify":
        raise Mistake("--pin is for verify alone", "envfs log verify --pin NUMBER:HASH")
    if criteria != control.CountLog() and arguments.action not in (None, "stats"):
        raise Mistake("a choice of entries is for printing and for stats", "envfs log --level /shop")
    if (arguments.follow or arguments.lines is not None) and arguments.action is not None:
        raise Mistake("--lines and --follow are for printing", "envfs log -n 50")


def _print(link: "Session", arguments: LogArguments, criteria: control.CountLog) -> int:
    usual = 0 if criteria.since else _DEFAULT_LINES
    count = usual if arguments.lines is None else arguments.lines
    printer = _Printer(as_json=arguments.json)
    link.follow(control.ReadLog(count, arguments.follow, *criteria), printer.take)
    return printer.end()


def _of_machines(link: "Session", arguments: LogArguments, criteria: control.CountLog) -> int:
    name = arguments.machine or ""
    if arguments.action == "verify":
        from envfs_cli.replies import log_machines

        rows = link.rows(control.ListLogMachines(name, check=True))
        machines = [row for row in rows if isinstance(row, control.LogMachineRow)]
        log_machines.print_verified(machines, as_json=arguments.json)
        return LogBroken.status if any(row.faults or row.state == "missing" for row in machines) else 0
    usual = 0 if criteria.since else _DEFAULT_LINES
    count = usual if arguments.lines is None else arguments.lines
    printer = _Printer(as_json=arguments.json)
    link.follow(control.ReadSharedLog(count, name, *criteria), printer.take)
    return printer.end()


def _count(link: "Session", criteria: control.CountLog, *, as_json: bool) -> None:
    rows: list[object] = []
    with Waiting("counting"):
        link.follow(criteria, rows.append)
    callers = [row for row in rows if isinstance(row, control.CallerStatRow)]
    hours = [row for row in rows if isinstance(row, control.HourStatRow)]
    (log_statistics.statistics_json if as_json else log_statistics.print_statistics)(callers, hours)


def _verify(link: "Session", pin: str, *, as_json: bool) -> int:
    reply = link.reply(control.VerifyLog(pin))
    if isinstance(reply, control.Checked):
        if as_json:
            output.message_json(reply)
        else:
            output.print_line(output.clean(f"the access log is whole: {reply.looked_at} entries, {reply.notes[0]}"))
            for text in reply.notes[1:]:
                output.note(text)
            if reply.pin:
                output.note(f"pin: {reply.pin}")
    return 0


class _Printer:
    """Prints entries one by one. A line that is none is reported once, and hides no other."""

    def __init__(self, *, as_json: bool) -> None:
        """Print sentences, or lines as they are."""
        self._as_json = as_json
        self._is_broken = self._has_printed = False

    def take(self, row: object) -> None:
        """Print an entry."""
        if not isinstance(row, control.LogRow):
            return
        self._has_printed = True
        facts = log_entries.parse_entry(row.line)
        if facts is not None:
            output.print_row(row.line.rstrip("\n") if self._as_json else log_entries.entry_sentence(facts))
        elif not self._is_broken:
            self._is_broken = True
            output.error(LogBroken("the access log holds a line that is no entry", "`envfs log verify`"))

    def end(self) -> int:
        """Say if there was no entry. Return the exit status."""
        if not (self._has_printed or self._as_json):
            output.done("no entry of the access log is meant by these options")
        return LogBroken.status if self._is_broken else 0
