"""How everything here is measured: in rounds, each against the baseline of the same round.

Laws: a round measures every contestant once, in an order shuffled anew, so that a machine that speeds up or slows down
does so for all. A ratio is the median over rounds of (contestant ÷ baseline of that round). Seconds are for reading,
ratios are what counts.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

_BUSY = 0.25  # a round waits for a quieter machine
_LOOK_SECONDS = 0.1
_PATIENCE = 6.0  # seconds of waiting in one contest


class Sample(NamedTuple):
    """One measurement. `p99` and `per_second` are 0 where they mean nothing."""

    seconds: float
    p99: float = 0.0
    per_second: float = 0.0


class Contestant(NamedTuple):
    """What is measured. `target` is the ratio that is promised at most, `least` the one at least. 0 is no promise."""

    name: str
    measure: Callable[[], Sample]
    target: float = 0.0
    least: float = 0.0

    @property
    def is_promised(self) -> bool:
        """Tell whether anything is."""
        return bool(self.target or self.least)

    @property
    def promise(self) -> str:
        """What is promised, in words."""
        return f"≤ {self.target}" if self.target else f"≥ {self.least}" if self.least else ""

    def keeps(self, ratio: float) -> bool:
        """Tell whether a ratio is as promised."""
        return (not self.target or ratio <= self.target) and ratio >= self.least


class Contest(NamedTuple):
    """Contestants that are measured in the same rounds, the baseline first."""

    title: str
    contestants: tuple[Contestant, ...]
    rounds: int
    note: str = ""
    unit: str = "s"  # of what is called seconds elsewhere


class Outcome(NamedTuple):
    """What a contest gave: by contestant, one sample a round, and how busy the machine was before each round."""

    contest: Contest
    samples: dict[str, list[Sample]]
    busy: list[float]

    @property
    def noisy(self) -> int:
        """How many rounds began on a busy machine."""
        return sum(share > _BUSY for share in self.busy)

    def ratios(self, name: str) -> list[float]:
        """Return the ratio to the baseline in each round."""
        base = self.samples[self.contest.contestants[0].name]
        return [own.seconds / other.seconds for own, other in zip(self.samples[name], base, strict=True)]

    def ratio(self, name: str) -> float:
        """Return the median ratio to the baseline."""
        return statistics.median(self.ratios(name))

    def missed(self) -> list[str]:
        """List the contestants whose ratio is not as promised."""
        return [c.name for c in self.contest.contestants if not c.keeps(self.ratio(c.name))]


def run(contest: Contest) -> Outcome:
    """Measure a contest."""
    outcome = Outcome(contest, {contestant.name: [] for contestant in contest.contestants}, [])
    order, patience = list(contest.contestants), _PATIENCE
    for _ in range(contest.rounds):
        began = time.monotonic()
        outcome.busy.append(_quiet(began + patience))
        patience -= time.monotonic() - began
        random.shuffle(order)
        for contestant in order:
            outcome.samples[contestant.name].append(contestant.measure())
    return outcome


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action took."""
    before = time.perf_counter()
    action()
    return time.perf_counter() - before


def median_of(count: int, measure: Callable[[], float]) -> Sample:
    """Measure something quick several times in one round."""
    return Sample(statistics.median(measure() for _ in range(count)))


def _quiet(until: float) -> float:
    # wait for a quiet machine, but not for ever. Returns how busy it was at last
    while True:
        before = _jiffies()
        time.sleep(_LOOK_SECONDS)
        total, idle = (now - then for now, then in zip(_jiffies(), before, strict=True))
        share = 1 - idle / total if total else 0.0
        if share <= _BUSY or time.monotonic() > until:
            return share


def _jiffies() -> Sequence[int]:
    # all and idle, of all processors together
    fields = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    return sum(fields), fields[3] + fields[4]
