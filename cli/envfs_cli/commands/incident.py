"""`incident`: report who was given which value of a variable, what else they got, and what to do next."""

import sys
import time

from envfs.errors import LogBroken
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import log_times, output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.incidents import commands, received, rendering, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session
    from envfs_cli.incidents.received import Report


class IncidentArguments(NamedTuple):
    """The arguments of `incident`."""

    level: str
    name: str
    since: str | None
    until: str | None
    markdown: bool
    passphrase_file: str | None
    json: bool


def run_incident(arguments: IncidentArguments) -> int:
    """Print a report.

    Raises:
        Mistake: a time is none, or two forms are asked for
    """
    if arguments.json and arguments.markdown:
        raise Mistake("--json and --markdown are two forms", "use one of the two")
    now = time.time()
    since, until = _time(arguments.since, now), _time(arguments.until, now)
    if until and until <= since:
        raise Mistake("--until is not after --since")
    link = session.start_session(arguments.passphrase_file)
    report = _ask(link, control.ReportIncident(arguments.level, arguments.name, since, until))
    if report is None:
        return 0
    advice = commands.next_commands(report)
    if arguments.json:
        output.as_json(received.report_object(report, advice))
    else:
        show = rendering.print_markdown if arguments.markdown else rendering.print_text
        show(sections.title_of(report), sections.sections_of(report, advice))
    return LogBroken.status if report.about.log_state in ("broken", "gap") else 0


def _time(text: str | None, now: float) -> str:
    try:
        return log_times.parse_log_time(text, now) if text is not None else ""
    except ValueError:
        hint = "give how long ago, as 2h or 7d, or a UTC time, as 2026-11-21 or 2026-11-21T08:00"
        raise Mistake("not a time", hint) from None


def _ask(link: "Session", request: control.ReportIncident) -> "Report | None":
    rows = _Rows()
    try:
        reply, _ = link.ask(request, (), rows)
    finally:
        rows.clear_line()
    return received.sort_rows(reply, rows) if isinstance(reply, control.IncidentReported) else None


class _Rows(list[object]):
    """The rows of a report. Progress is shown on a terminal, and not kept."""

    _is_shown = False

    def append(self, row: object) -> None:
        """Take a row."""
        if not isinstance(row, control.ProgressRow):
            super().append(row)
        elif sys.stderr is not None and sys.stderr.isatty():
            self._is_shown = True
            sys.stderr.write(f"\rreading the log: {100 * row.entries // max(1, row.total)} %\x1b[K")
            sys.stderr.flush()

    def clear_line(self) -> None:
        """Take what was shown away."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
