"""What is promised of each parser in each dialect (promised.toml), and which promise a result breaks.

A figure that is neither 0 nor 100 depends on which values chance made: it may fall short by four standard deviations.
"""

import functools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from envfs.dotenv import portability
from tests.dialects.trial import Count, Result, Task

FILE = Path(__file__).with_name("promised.toml")
_DEVIATIONS = 4


class Promise(NamedTuple):
    """Percentages; `classes` has those that do not all come back, `harmed` and `hostile` what harms neighbours.

    `runs` tells that some values are run all the same.
    """

    everyday: float
    in_files: float
    alone: float
    harmed: float = 0.0
    hostile: float = 0.0
    runs: bool = False
    classes: Mapping[str, float] = {}


@functools.cache
def promised() -> dict[tuple[str, str], Promise]:
    """Return promises by dialect and parser; of the classes that are `lost` nothing comes back, of others `partly`."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {(dialect, parser): _promise(**row) for dialect, rows in tables.items() for parser, row in rows.items()}


def _promise(lost: Sequence[str] = (), partly: Mapping[str, float] = {}, **row: Any) -> Promise:  # noqa: ANN401
    return Promise(**row, classes=dict.fromkeys(lost, 0.0) | partly)


def verdict(task: Task, result: Result) -> list[str]:
    """Say which promises a result breaks, or that there is none."""
    promise = promised().get((task.dialect, task.parser.name))
    return [*broken(task, result, promise)] if promise else ["nothing is promised"]


def percent(part: int, whole: int) -> float:
    """Return a share; that of nothing is all of it."""
    return 100 * part / whole if whole else 100.0


def broken(task: Task, result: Result, promise: Promise) -> Iterator[str]:
    """Say which promises a result breaks."""
    mixed, everyday = result.mixed, result.everyday
    yield from _below("everyday", promise.everyday, _in_files(everyday), everyday.files)
    yield from _below("in files", promise.in_files, _in_files(mixed), mixed.files)
    yield from _below("alone", promise.alone, percent(mixed.alone.total(), mixed.values.total()), mixed.values.total())
    yield from _above("values", promise.harmed, mixed)
    yield from _above("hostile values", promise.hostile, result.hostile)
    for kind, count in sorted(mixed.values.items()):
        yield from _below(kind, promise.classes.get(kind, 100.0), percent(mixed.alone[kind], count), count)
    if result.ran and not promise.runs:
        yield f"values were run: {' '.join(result.ran)}"
    for canary in result.ran:
        values = [sample.value for sample in (*task.samples, *task.everyday, *task.hostile) if canary in sample.value]
        if not any(doubt.runs for value in values for doubt in portability.portability_doubts(value, task.dialect)):
            yield f"{canary} was run, and portability does not say so"


def _in_files(count: Count) -> float:
    return percent(count.in_files.total(), count.values.total())


def _below(what: str, share: float, found: float, count: int) -> Iterator[str]:
    if found < share - _allowance(share, count):
        yield f"{what} {found:.1f} %, not {share}"


def _above(what: str, share: float, count: Count) -> Iterator[str]:
    total = count.values.total()
    found = 100 * len(count.harmed) / max(1, total)
    if found > share + _allowance(share, total):
        yield f"{found:.2f} % of {what} harm neighbours, not {share}"


def _allowance(share: float, count: int) -> float:
    return _DEVIATIONS * math.sqrt(share * (100 - share) / max(1, count)) + (0.05 if 0 < share < 100 else 0)
