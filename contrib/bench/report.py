"""Says what was measured: the machine, a table for people, JSON for machines."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from rounds import Contest, Outcome

_HEADS = ("", "p50", "p99", "per second", "ratio", "middle half", "promised")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SMALL = 0.1


def machine() -> dict[str, str]:
    """Describe where this runs."""
    return {
        "processor": f"{os.cpu_count()} of {_field('/proc/cpuinfo', 'model name')}",
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()} ({os.path.realpath(sys.executable)})",
        "load": Path("/proc/loadavg").read_text(encoding="ascii").rpartition(" ")[0],
    }


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def table(outcome: Outcome) -> str:
    """Return one contest's table."""
    contest = outcome.contest
    rows = [_HEADS, *(row(outcome, index) for index in range(len(contest.contestants)))]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(_HEADS))]
    used = used_columns(rows[1:])
    lines = [f"{contest.title}: {contest.rounds} rounds{_noise(outcome)}", f"  {contest.note}".rstrip()]
    for cells in rows:
        words = [cells[c].ljust(widths[c]) if c == 0 else cells[c].rjust(widths[c]) for c in used]
        lines.append("  " + "   ".join(words).rstrip())
    return "\n".join(lines)


def _noise(outcome: Outcome) -> str:
    return f", {outcome.noisy} of them on a busy machine" if outcome.noisy else ""


def used_columns(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the columns that are not empty in each row."""
    return [column for column in range(len(_HEADS)) if any(cells[column] for cells in rows)]


def row(outcome: Outcome, index: int) -> Sequence[str]:
    """Return the cells of one contestant."""
    contestant = outcome.contest.contestants[index]
    name, samples = contestant.name, outcome.samples[contestant.name]
    p99, per_second = (statistics.median(s[field] for s in samples) for field in (1, 2))
    ratio = outcome.ratio(name)
    low, _, high = statistics.quantiles(outcome.ratios(name), n=4)
    verdict = "ok" if contestant.keeps(ratio) else "MISSED"
    promised = f"{contestant.promise} {verdict}" if contestant.is_promised else ""
    return (
        name,
        _amount(statistics.median(s.seconds for s in samples), outcome.contest.unit),
        _time(p99) if p99 else "",
        f"{per_second:,.0f}" if per_second else "",
        f"{ratio:.3g}" if ratio < _SMALL else f"{ratio:.2f}",
        f"{low:.2f}-{high:.2f}" if index and ratio >= _SMALL else "",
        promised,
    )


def _amount(number: float, unit: str) -> str:
    return _time(number) if unit == "s" else f"{number:.3g} {unit}"


def _time(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.2f} µs"


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return everything that was measured."""
    return {
        "title": outcome.contest.title,
        "baseline": outcome.contest.contestants[0].name,
        "busy": outcome.busy,
        "contestants": {
            contestant.name: {
                "ratio": outcome.ratio(contestant.name),
                "target": contestant.target or None,
                "least": contestant.least or None,
                "rounds": [sample._asdict() for sample in outcome.samples[contestant.name]],
            }
            for contestant in outcome.contest.contestants
        },
    }


def summary(outcomes: Sequence[Outcome]) -> str:
    """Say in a line or two what was promised and missed, and whether to believe it."""
    missed = [f"{o.contest.title}: {name}" for o in outcomes for name in o.missed()]
    promised = sum(c.is_promised for o in outcomes for c in o.contest.contestants)
    rounds, noisy = sum(o.contest.rounds for o in outcomes), sum(o.noisy for o in outcomes)
    lines = [
        f"{promised - len(missed)} of {promised} promises kept" + "".join(f"\n  missed: {text}" for text in missed)
    ]
    if noisy:
        lines.append(f"the machine was busy before {noisy} of {rounds} rounds; trust the ratios, not the times")
    return "\n".join(lines)


def promises(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str, str]]:
    """Return all that is promised in one table: what, by how much, at most or at least, and whether it is so."""
    return [
        (f"{outcome.contest.title}: {each.name}", f"{ratio:.2f}", each.promise, "ok" if each.keeps(ratio) else "MISSED")
        for outcome in outcomes
        for each in outcome.contest.contestants
        if each.is_promised
        for ratio in [outcome.ratio(each.name)]
    ]


def promise_table(outcomes: Sequence[Outcome]) -> str:
    """Return that table for people."""
    rows = promises(outcomes)
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return "\n".join(
        f"  {what.ljust(widths[0])}   {ratio.rjust(widths[1])}   {promise.ljust(widths[2])}   {verdict}"
        for what, ratio, promise, verdict in rows
    )


def heading(contest: Contest) -> str:
    """Say what is being measured now."""
    return f"measuring: {contest.title} ... "
