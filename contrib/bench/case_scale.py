"""What grows and what must not: many versions cost what few do."""

import contextlib
import time
from collections.abc import Callable, Generator
from functools import partial

from case_cold import cold, write
from home import Home
from rounds import Contest, Contestant, Sample, median_of

LEVEL = "/shop"
FEW = 10
TARGET, SET_TARGET, HISTORY_TARGET = 1.5, 1.2, 1.3
_SETTLED = 3.0  # seconds until the disk has taken what was written to get there
_SETS = 9


def contests(rounds: int, many: tuple[int, ...]) -> Generator[Contest, None, None]:
    """Set, cold read, history and start with many versions."""
    with contextlib.ExitStack() as stack:
        homes = {}
        for count in (FEW, *many):
            homes[count] = stack.enter_context(Home())
            write(homes[count], LEVEL, count)
        time.sleep(_SETTLED)
        note = "the same level with more versions; without the client's start; the disk's fsync is in it"
        yield Contest("set", _by_versions(homes, _set, SET_TARGET), rounds, note)
        yield Contest("cold read", _by_versions(homes, _cold), rounds, "the first read after a change")
        history = _by_versions(homes, _history, HISTORY_TARGET)
        yield Contest("history", history, rounds, "`envfs history -n 20`, the client's start included")
        yield Contest("start", _by_versions(homes, _start), max(3, rounds // 2), "`envfs mount`, until it serves")


def _by_versions(
    homes: dict[int, Home], measure: Callable[[Home], Sample], target: float = TARGET
) -> tuple[Contestant, ...]:
    return tuple(
        Contestant(f"{count:,} versions", partial(measure, home), target if count > FEW else 0.0)
        for count, home in homes.items()
    )


def _set(home: Home) -> Sample:
    return Sample(write(home, LEVEL, _SETS))


def _cold(home: Home) -> Sample:
    return median_of(3, lambda: cold(home, LEVEL))


def _history(home: Home) -> Sample:
    before = time.perf_counter()
    home.envfs("history", LEVEL, "-n", "20")
    return Sample(time.perf_counter() - before)


def _start(home: Home) -> Sample:
    home.unmount()
    return Sample(home.mount())
