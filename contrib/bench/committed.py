"""The committed table, docs/benchmarks.md: made of what was measured, read again, and compared with.

Law: seconds differ between machines, so ratios alone are compared. One counts as slower if it is over a tenth more than
the committed one, and three quarters of its rounds were more than that one. Where EnvFS is the baseline of others, one
counts as slower that is less by as much.
"""

import contextlib
import importlib.metadata
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import report
from report import row, used_columns
from rounds import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_SLOWER = 1.1
OURS = "envfs"
_PACKAGES = ("libfuse3-3", "gocryptfs", "encfs", "cryfs", "securefs")
_RATIO = 4  # the column
_ROW = re.compile(r"^\| (?P<name>[^|]+?) \|.*\| (?P<ratio>[\d.e-]+) \|[^|]*\|[^|]*\|$")
_HEAD = """\
# Benchmarks

`make bench BENCH=--write` made this page. It compares EnvFS with what anybody would have without it, as
contrib/bench/README.md says.
A ratio is the median over the rounds of a contestant by the baseline of the same round, which is the first row of each
table. Ratios are what counts: seconds differ between machines and hours.
"""


def write(machine: dict[str, str], outcomes: Sequence[Outcome]) -> None:
    """Write the page."""
    about = {**machine, **_versions()}
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in about.items())])
    sections = [_HEAD.rstrip(), table, _promises(outcomes), *map(_section, outcomes)]
    PAGE.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _promises(outcomes: Sequence[Outcome]) -> str:
    rows = [f"| {' | '.join(row)} |" for row in report.promises(outcomes)]
    return "\n".join(["## What is promised", "", "| | ratio | promised | |", "|---|--:|--:|---|", *rows])


def slower(outcomes: Sequence[Outcome]) -> list[str]:
    """Name what takes longer than on the committed page, by its ratios."""
    committed = dict(_ratios(PAGE.read_text(encoding="utf-8"))) if PAGE.exists() else {}
    return [
        f"{outcome.contest.title}: {name} is {outcome.ratio(name):.2f}, and was {before:.2f}"
        for outcome in outcomes
        for name in outcome.samples
        if (before := committed.get((outcome.contest.title, name))) is not None and _is_slower(outcome, name, before)
    ]


def _is_slower(outcome: Outcome, name: str, before: float) -> bool:
    low, _, high = statistics.quantiles(outcome.ratios(name), n=4)
    if outcome.contest.contestants[0].name == OURS:  # the others by ours: a smaller ratio is a slower one of ours
        return outcome.ratio(name) < before / _SLOWER and high < before
    return outcome.ratio(name) > before * _SLOWER and low > before


def _section(outcome: Outcome) -> str:
    contest = outcome.contest
    heads = ("", "p50", "p99", "per second", "ratio", "middle half", "promised")
    rows = [row(outcome, index) for index in range(len(contest.contestants))]
    columns = sorted({*used_columns(rows), _RATIO, _RATIO + 1, _RATIO + 2})
    lines = [heads, *rows]
    cells = [" | ".join(line[column] or " " for column in columns) for line in lines]
    rule = "|".join("---" if column == 0 else "--:" for column in columns)
    return "\n".join(
        [f"## {contest.title}", "", contest.note, "", f"| {cells[0]} |", f"|{rule}|"] + [f"| {c} |" for c in cells[1:]]
    )


def _ratios(page: str) -> Iterator[tuple[tuple[str, str], float]]:
    title = ""
    for line in page.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif (found := _ROW.match(line)) is not None:
            yield (title, found["name"]), float(found["ratio"])


def _versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in ("pyfuse3", "trio", "cryptography", "python-dotenv")}
    if age := shutil.which("age"):
        found["age"] = subprocess.run([age, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    for package in _PACKAGES:
        command = ["dpkg-query", "--show", "--showformat=${Version}", package]
        with contextlib.suppress(OSError):
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
            found |= {package: asked.stdout} if asked.stdout else {}
    return found
