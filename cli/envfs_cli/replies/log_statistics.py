"""Numbers of the access log, as a table and as a chart in the terminal."""

import os

from envfs.protocol import wire
from envfs.protocol.control import CallerStatRow, HourStatRow
from envfs_cli import line_wrap, output

_GAP, _MINUTES = "  ", len("2026-11-30 08:00")
_BARS, _WIDTH = 24, 40  # lines of the chart at most, and the longest bar in characters
_STEPS = ((13, "hour"), (10, "day"), (7, "month"), (4, "year"))  # how much of a time is one bar
_HEADS = ("LEVEL", "CALLER", "PROGRAM", "READS", "REFUSED", "ALARMS", "OTHER", "LAST")


def print_statistics(callers: "list[CallerStatRow]", hours: "list[HourStatRow]") -> None:
    """Print a table of callers, and on a terminal a chart of reads over time."""
    table = [_HEADS, *map(_cells, callers)]
    heads, *rows = _fitting(table, line_wrap.table_width()) if output.on_terminal() else table
    output.print_table(heads, rows, none="no entry of the access log is meant by these options")
    if output.on_terminal() and hours:
        for line in ("", *chart(hours, _block())):
            output.print_line(line)


def statistics_json(callers: "list[CallerStatRow]", hours: "list[HourStatRow]") -> None:
    """Print both as one JSON object."""
    output.as_json(
        {
            "callers": [wire.fields_of(row) for row in callers],
            "hours": [wire.fields_of(row) for row in hours],
        }
    )


def _cells(row: CallerStatRow) -> "tuple[str, ...]":
    caller = row.user or (str(row.uid) if row.uid >= 0 else "-")
    numbers = (row.reads, row.refusals, row.alarms, row.others)
    return (row.level or "-", caller, row.program or "-", *map(str, numbers), output.shown_time(row.last))


def _fitting(table: "list[tuple[str, ...]]", width: int) -> "list[tuple[str, ...]]":
    """Return rows that fit a terminal: numbers that are 0 in all left out, then seconds, then folders of programs."""
    for narrower in (_without_zeros, _without_seconds, _without_folders):
        columns = list(zip(*table, strict=True))
        if sum(max(map(len, column)) + len(_GAP) for column in columns) - len(_GAP) <= width:
            break
        table = list(zip(*narrower(columns), strict=True))
    return table


def _without_zeros(columns: "list[tuple[str, ...]]") -> "list[tuple[str, ...]]":
    return [column for column in columns if any(cell != "0" for cell in column[1:])]


def _without_seconds(columns: "list[tuple[str, ...]]") -> "list[tuple[str, ...]]":
    *others, (head, *times) = columns
    return [*others, (head, *(time[:_MINUTES] for time in times))]


def _without_folders(columns: "list[tuple[str, ...]]") -> "list[tuple[str, ...]]":
    level, caller, (head, *programs), *others = columns
    return [level, caller, (head, *(program.rpartition("/")[2] or program for program in programs)), *others]


def chart(hours: "list[HourStatRow]", block: str) -> "list[str]":
    """Return a bar for each hour, or where these are too many for each day, month or year. Empty ones are left out."""
    name, bars = _bars(hours)
    newest = sorted(bars.items())[-_BARS:]
    most = max(max(numbers) for _, numbers in newest) or 1
    lines = [f"reads by the {name} (UTC), refused ones behind them"]
    for start, (reads, refusals) in newest:
        bar = block * max(round(reads / most * _WIDTH), 1 if reads else 0)
        refused = f"  {refusals} refused" if refusals else ""
        lines.append(f"{output.clean(start.replace('T', ' ')).ljust(_STEPS[0][0])}  {bar} {reads}{refused}")
    return lines


def _bars(hours: "list[HourStatRow]") -> "tuple[str, dict[str, list[int]]]":
    for characters, name in _STEPS:
        bars: dict[str, list[int]] = {}
        for row in hours:
            numbers = bars.setdefault(row.start[:characters], [0, 0])
            numbers[0] += row.reads
            numbers[1] += row.refusals
        if len(bars) <= _BARS or characters == _STEPS[-1][0]:
            return name, bars
    return "", {}


def _block() -> str:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "\u2588" if "utf" in locale.lower() else "#"
