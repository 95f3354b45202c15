"""`make scale`: the cost of shared vaults for fleets of all sizes: measured with a few machines, simulated above.

make scale                       measure, and print the tables
make scale SCALE=--write         the same, and put them into docs/scale.md
.venv/bin/python contrib/scale/run.py --processors 16 --writes 50000 --projects 200 --machines 20000
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from measure import measure  # noqa: E402 - the tests' servers are found by the line above
from model import ENGINES, Arrival, Cost, Fleet, Measured, cost_of, simulate  # noqa: E402

PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- begin: contrib/scale/run.py -->\n", "<!-- end -->\n"
FLEETS = (  # a machine in two writes a version on a day, and 100 machines are in a project
    Fleet(10, 1, 5),
    Fleet(1_000, 10, 500),
    Fleet(100_000, 1_000, 50_000),
    Fleet(100_000, 1, 50_000),
)
_UNITS = ("", "k", "M", "G", "T", "P")


def main() -> int:
    """Measure, work out, print."""
    words = _arguments()
    figures = {name: _measured(name, words.figures) for name in ENGINES}
    figures = {name: found for name, found in figures.items() if found is not None}
    if words.save:
        Path(words.save).write_text(json.dumps({name: found._asdict() for name, found in figures.items()}, indent=1))
    fleets = (Fleet(words.machines, words.projects, words.writes),) if words.machines else FLEETS
    text = tables(figures, fleets, words.processors)
    print(text)
    if words.write:
        _write(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the cost of a shared vault, by engine and number of machines")
    parser.add_argument("--processors", type=int, default=os.cpu_count() or 1, help="of the server")
    parser.add_argument("--machines", type=int, default=0, help="one fleet of so many, and not the usual ones")
    parser.add_argument("--projects", type=int, default=1)
    parser.add_argument("--writes", type=float, default=100, help="versions that the fleet writes on a day")
    parser.add_argument("--figures", help="a file of --save, in the place of a measurement")
    parser.add_argument("--save", help="a file for the measured figures")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    return parser.parse_args()


def _measured(name: str, file: str | None) -> Measured | None:
    if file:
        saved = json.loads(Path(file).read_text())
        return Measured(**saved[name]) if name in saved else None
    print(f"measuring {name} …", file=sys.stderr)
    try:
        return measure(name)
    except BaseException as error:  # pytest.skip, where a server is not installed, is none of Exception
        if type(error).__name__ != "Skipped":
            raise
        print(f"  left out: {error}", file=sys.stderr)
        return None


def tables(figures: dict[str, Measured], fleets: Sequence[Fleet], processors: int) -> str:
    """Return the tables, in Markdown."""
    rows = [_figures_table(figures)]
    for fleet in fleets:
        rows.append(f"**{_title(fleet)}**, on a server with {processors} processors:")
        rows.append(_fleet_table(figures, fleet, processors))
    return "\n\n".join(rows) + "\n"


def _title(fleet: Fleet) -> str:
    plural = "project" if fleet.projects == 1 else "projects"
    return f"{fleet.machines:,} machines, {fleet.projects:,} {plural}, {fleet.writes_a_day:,.0f} versions a day"


def _figures_table(figures: dict[str, Measured]) -> str:
    lines = [
        ("a write, without its hints", lambda m: _seconds(m.put_seconds)),
        ("the question for what is new in a stream", lambda m: _seconds(m.get_seconds)),
        ("a look at the heads of a part", lambda m: _seconds(m.look_seconds)),
        ("the same, for each row of its answer", lambda m: _seconds(m.row_seconds)),
        ("a hint, for each machine of the project", lambda m: _seconds(m.hint_seconds)),
        ("a write, for each machine of another project", lambda m: _seconds(m.foreign_seconds)),
        ("a connection", lambda m: _seconds(m.connect_seconds)),
        ("an hour of a machine that does nothing", lambda m: _seconds(m.idle_seconds * 3600)),
        ("memory for a machine", lambda m: _amount(m.machine_bytes, "B")),
        ("disk for a record, beside its bytes", lambda m: _amount(m.record_bytes, "B")),
        ("a question on the wire, beside the record", lambda m: _amount(m.request_bytes, "B")),
        ("a look on the wire, and each row", lambda m: f"{_amount(m.look_bytes, 'B')}, {_amount(m.row_bytes, 'B')}"),
    ]
    return _table("measured", figures, [(name, [show(found) for found in figures.values()]) for name, show in lines])


def _fleet_table(figures: dict[str, Measured], fleet: Fleet, processors: int) -> str:
    costs = {name: cost_of(fleet, ENGINES[name], found) for name, found in figures.items()}
    late = {name: simulate(fleet, ENGINES[name], found, processors) for name, found in figures.items()}
    every = list(costs.items())
    lines = [
        ("requests for a write", [f"{cost.requests_a_write:,.0f}" for _, cost in every]),
        ("processor time for a write", [_seconds(cost.seconds_a_write) for _, cost in every]),
        ("bytes on the wire for a write", [_amount(cost.bytes_a_write, "B") for _, cost in every]),
        ("work of the server, median and slowest write of a day", [_late(late[name]) for name, _ in every]),
        ("processors kept busy without a write", [f"{cost.busy:.2f}" for _, cost in every]),
        ("the same, with these writes", [f"{_busy(cost, fleet):.2f}" for _, cost in every]),
        ("looks and questions of a machine in a day", [_amount(cost.look_bytes_a_day, "B") for _, cost in every]),
        ("watches", [f"{cost.watches:,}" for _, cost in every]),
        ("connections", [f"{cost.connections:,}" for _, cost in every]),
        ("processes of the server", [f"{cost.processes:,}" for _, cost in every]),
        ("memory of the server for them", [_amount(cost.memory, "B") for _, cost in every]),
        ("all come back at once", [_seconds(cost.start_seconds / processors) for _, cost in every]),
        ("records in a year", [_amount(cost.records_a_year) for _, cost in every]),
        ("disk of the server in a year", [_amount(cost.disk_a_year, "B") for _, cost in every]),
        ("mirror of a machine in a year", [_amount(cost.mirror_a_year, "B") for _, cost in every]),
    ]
    return _table("", figures, lines)


def _busy(cost: Cost, fleet: Fleet) -> float:
    return cost.busy + cost.seconds_a_write * fleet.writes_a_day / 86_400


def _table(title: str, figures: dict[str, Measured], lines: Sequence[tuple[str, Sequence[str]]]) -> str:
    head = [f"| {title} | {' | '.join(figures)} |", "|---|" + "--:|" * len(figures)]
    return "\n".join([*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in lines)])


def _late(arrival: Arrival) -> str:
    if math.isinf(arrival.median):
        return "never done"
    return f"{_seconds(arrival.median)}, {_seconds(arrival.slowest)}"


def _seconds(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _amount(number: float, unit: str = "") -> str:
    for letter in _UNITS:
        if abs(number) < 1000 or letter == _UNITS[-1]:  # noqa: PLR2004 - the step of these letters
            return f"{number:,.3g} {letter}{unit}".rstrip()
        number /= 1000
    return ""


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
