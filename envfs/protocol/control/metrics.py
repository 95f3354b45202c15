"""The figures of a running daemon: the request, its rows (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ReadMetrics(NamedTuple):
    """The daemon's figures, as monitoring systems take them. Rows: MetricRow.

    With `levels`, reads and rotations are counted for each level, by its name.
    """

    levels: bool = False


class MetricLabel(NamedTuple):
    """A label of a sample."""

    name: str
    value: str


class MetricRow(NamedTuple):
    """One sample. The samples of a metric follow each other.

    `kind` is `counter`, `gauge` or `info`, and `name` that of the metric as OpenMetrics has it: without `_total` or
    `_info`. `text` says what it is. Times are in seconds since 1970.
    """

    name: str
    kind: str
    text: str
    labels: tuple[MetricLabel, ...]
    value: int


MetricsRequest = ReadMetrics
MetricsRow = MetricRow
