"""`incident`: report who was given which value of a variable, what else they got, and what to do next."""

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
        hint = "give how long ago, as 2h or 7d, or a time, as 2026-11-21, 2026-11-21T08:00 or 2026-11-21T08:00Z"
        raise Mistake("not a time", hint) from None


def _ask(link: "Session", request: control.ReportIncident) -> "Report | None":
    rows: list[object] = []
    reply, _ = link.ask(request, (), rows)
    return received.sort_rows(reply, rows) if isinstance(reply, control.IncidentReported) else None
