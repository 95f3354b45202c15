"""`metrics`: print the figures of the running daemon for a monitoring system."""

from envfs.errors import NotRunning
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client, session
from envfs_cli.replies import metric_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar.words import MetricFormat


class MetricsArguments(NamedTuple):
    """The arguments of `metrics`."""

    format: "MetricFormat | None"
    levels: bool
    json: bool


def run_metrics(arguments: MetricsArguments) -> int:
    """Print the figures of the running daemon. Where none runs, that is the one figure there is.

    Raises:
        Mistake: two options say how they are printed
    """
    if arguments.json and arguments.format:
        from envfs_cli.arguments import Mistake

        raise Mistake("--json prints samples as JSON, and --format as text", "leave out one of the two")
    rows = list(_rows(levels=arguments.levels))
    if arguments.json:
        output.as_json([{**row._asdict(), "labels": dict(row.labels)} for row in rows])
    else:
        output.raw(metric_texts.metrics_text(rows, arguments.format or "openmetrics").encode())
    return 0


def _rows(*, levels: bool) -> "list[control.MetricRow]":
    try:
        link = session.shared_link() or client.need_running()
    except NotRunning:
        return [_up(0)]
    answered = session.session_over(link).rows(control.ReadMetrics(levels))
    return [_up(1), *(row for row in answered if isinstance(row, control.MetricRow))]


def _up(value: int) -> "control.MetricRow":
    return control.MetricRow("envfs_up", "gauge", "Whether a daemon answers", (), value)
