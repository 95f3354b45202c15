"""A report in words: sections of items, each a line and more below it."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.holders import listing
from envfs_cli.incidents.received import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FOUND = {"same": "has value", "within": "has in it value", "comment": "has in a comment value"}
_CLIENT = "envfs"
_STATES = {
    "whole": "the log of that time is whole",
    "gap": "entries of that time are not here any more",
    "broken": "the log is not what was written: the report may lack entries",
    "unchecked": "the log was not verified",
}


class Item(NamedTuple):
    """A line, and what stands below it."""

    head: str
    lines: tuple[str, ...] = ()


class Section(NamedTuple):
    """A part of a report. `empty` stands there if it has no items. Items that are `commands` are not broken."""

    title: str
    items: tuple[Item, ...]
    empty: str = ""
    commands: bool = False


def title_of(report: Report) -> str:
    """Say what the report is about."""
    about = report.about
    set_by = "" if about.source == about.level else f", set by {about.source}"
    begin = output.shown_time(about.since) if about.since else "the beginning of the log"
    end = output.shown_time(about.until) if about.until else "now"
    return f"{about.name} of {about.level}{set_by}: from {begin} to {end}, {about.entries} entries"


def sections_of(report: Report, commands: tuple[str, ...]) -> tuple[Section, ...]:
    """Return the parts of a report."""
    about = report.about
    log: tuple[Item, ...] = (Item(_STATES.get(about.log_state, about.log_state), about.log_facts),)
    if about.log_begins and about.since < about.log_begins:
        log += (Item(f"its first entry here is of {output.shown_time(about.log_begins)}"),)
    return (
        Section("Values", tuple(map(_version, report.versions)), "none was set in that time"),
        Section("Readers", tuple(_readers(report)), "nobody was given it in that time"),
        Section("Processes that live", tuple(map(_holder, report.holders)), "none is known"),
        Section("The same values elsewhere", tuple(map(_carrier, report.carriers)), "none"),
        Section("Given to these readers as well", tuple(_others(report)), "nothing"),
        Section("Refused", tuple(map(_refusal, report.refusals)), "nothing"),
        Section("The log", log),
        Section("Next", tuple(map(Item, commands)), commands=True),
        Section("Not known", tuple(map(Item, about.notes))),
    )


def _version(row: "control.VersionFactRow") -> Item:
    value = f"value {row.value}{' (now)' if row.is_current else ''}" if row.value else "no value"
    change = f"{row.operation or '-'} by {row.author_name or row.author[:8]}"
    return Item(f"{value}: {row.level}@{row.version}, {output.shown_time(row.time)}, {change}")


def _program(row: "control.ReaderFactRow | control.RefusalFactRow") -> str:
    user = row.user or str(row.uid)
    program = row.script or (_CLIENT if _is_client(row) else row.executable) or "an unknown program"
    parts = (f"{user}: {program}", row.unit, _under(row.agent or row.parent))
    return ", ".join(part for part in parts if part)


def _under(program: str) -> str:
    return f"under {program}" if program else ""


def _is_client(row: "control.ReaderFactRow | control.RefusalFactRow") -> bool:
    return isinstance(row, control.ReaderFactRow) and row.channel in ("exec", "get", "show", "export")


def _readers(report: Report) -> "Iterator[Item]":
    numbers = dict.fromkeys(row.reader for row in report.readers)
    for number in numbers:
        rows = [row for row in report.readers if row.reader == number]
        rules = dict.fromkeys(row.rule for row in rows)
        lines = (*map(_reading, rows), f"let in by {'; '.join(rules)}")
        yield Item(f"{number}. {_program(rows[0])}", lines)


def _reading(row: "control.ReaderFactRow") -> str:
    value = f"value {row.value}" if row.value else "a value that cannot be told any more"
    value += " (now)" if row.is_current else ""
    where = f"{row.level} by {row.channel}" + (f", set by {row.source}@{row.version}" if row.value else "")
    often = _often(row.times) + (f" in {row.processes} processes" if row.processes > 1 else "")
    perhaps = "" if row.is_clear else "; perhaps: the log does not say which variables"
    return f"{value}: {where}, {often}, {_span(row.first, row.last)}{perhaps}"


def _holder(row: "control.HolderRow") -> Item:
    state = "the value of now" if row.is_current else "an old value"
    user = row.user or str(row.uid)
    return Item(f"{row.pid}, {user}: {listing.about(row)}, {state} since {output.shown_time(row.since)}")


def _carrier(row: "control.CarrierRow") -> Item:
    return Item(f"{row.level} {row.name or '-'}: {_FOUND.get(row.what, row.what)} {row.value}")


def _others(report: Report) -> "Iterator[Item]":
    programs = {row.reader: f"{row.reader}. {_program(row)}" for row in reversed(report.readers)}
    for row in sorted(report.others, key=lambda row: row.reader):
        variables = "all variables that it may have" if row.is_whole else "single variables"
        often = f"{_often(row.times)}, {_span(row.first, row.last)}"
        reader = programs.get(row.reader, f"reader {row.reader}")
        yield Item(f"{reader}: {variables} of {row.level}, {often}")


def _refusal(row: "control.RefusalFactRow") -> Item:
    refusal = f"{row.level or '-'} {row.what}: {row.rule}"
    return Item(f"{_program(row)}", (f"{refusal}, {_often(row.times)}, {_span(row.first, row.last)}",))


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _span(first: str, last: str) -> str:
    begin, end = output.shown_time(first), output.shown_time(last)
    return f"at {begin}" if begin == end else f"from {begin} to {end}"
