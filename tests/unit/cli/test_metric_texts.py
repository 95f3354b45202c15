"""The two text formats of metrics. That real readers take them is tried in tests/recipes."""

from envfs.protocol.control import MetricLabel, MetricRow
from envfs_cli.replies.metric_texts import metrics_text

LABELS = (MetricLabel("channel", "mount"), MetricLabel("level", '/a"b\\c\n'))
ROWS = [
    MetricRow("envfs_build", "info", "The release", (MetricLabel("release", "1"),), 1),
    MetricRow("envfs_reads", "counter", 'So "many"', LABELS, 3),
    MetricRow("envfs_reads", "counter", 'So "many"', (MetricLabel("channel", "get"),), 4),
    MetricRow("envfs_locked", "gauge", "Whether", (), 0),
]


def test_openmetrics_declares_a_metric_once_without_its_ending_and_ends() -> None:
    assert metrics_text(ROWS, "openmetrics") == (
        "# TYPE envfs_build info\n# HELP envfs_build The release\n"
        'envfs_build_info{release="1"} 1\n'
        '# TYPE envfs_reads counter\n# HELP envfs_reads So \\"many\\"\n'
        'envfs_reads_total{channel="mount",level="/a\\"b\\\\c\\n"} 3\n'
        'envfs_reads_total{channel="get"} 4\n'
        "# TYPE envfs_locked gauge\n# HELP envfs_locked Whether\nenvfs_locked 0\n"
        "# EOF\n"
    )


def test_the_format_of_prometheus_declares_what_its_samples_are_called() -> None:
    text = metrics_text(ROWS, "prometheus")
    assert text.startswith("# TYPE envfs_build_info gauge\n# HELP envfs_build_info The release\n")
    assert '# TYPE envfs_reads_total counter\n# HELP envfs_reads_total So "many"\nenvfs_reads_total{' in text
    assert "EOF" not in text
    assert text.endswith("envfs_locked 0\n")
