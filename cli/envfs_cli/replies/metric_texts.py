"""The figures of a daemon in the two text formats that monitoring systems take.

Source: OpenMetrics 1.0 (a counter is declared without `_total`, and the text ends in `# EOF`), and the text format of
Prometheus 0.0.4, in which each sample has the declared name.
"""

from envfs.protocol import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envfs_cli.grammar.words import MetricFormat

_ENDINGS = {"counter": "_total", "info": "_info"}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_text(rows: "Iterable[control.MetricRow]", form: "MetricFormat") -> str:
    """Return the text of samples. Those of one metric follow each other."""
    lines, last, is_open = list[str](), "", form == "openmetrics"
    for row in rows:
        sample = row.name + _ENDINGS.get(row.kind, "")
        if row.name != last:
            last, named = row.name, row.name if is_open else sample
            lines += [f"# TYPE {named} {row.kind if is_open or row.kind != 'info' else 'gauge'}"]
            lines += [f"# HELP {named} {row.text.translate(_ESCAPES) if is_open else _classic(row.text)}"]
        lines.append(f"{sample}{_labels(row.labels)} {row.value}")
    return "\n".join([*lines, *(["# EOF"] if is_open else []), ""])


def _classic(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")  # a quote stands for itself there


def _labels(labels: "Sequence[control.MetricLabel]") -> str:
    shown = ",".join(f'{label.name}="{label.value.translate(_ESCAPES)}"' for label in labels)
    return f"{{{shown}}}" if shown else ""
