"""What grows and what must not: many versions cost what few do, many levels little more than none, or each the same."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial

from case_cold import cold, read, write
from grown_vaults import Grown, many_levels
from home import Home
from rounds import Contest, Contestant, Sample, median_of, timed
from samples import sized, text

LEVEL = "/shop"
FEW = 10
TARGET, SET_TARGET = 1.3, 1.1
STALE_TARGET = 3.0  # a search by sixteenths
READY_TARGET, LINEAR_TARGET, LARGE_TARGET = 3.0, 1.5, 14.0
_SETTLED = 3.0  # seconds until the disk has taken what was written to get there
_SETS, _READS, _GETS = 9, 60, 3
_FEW_ROUNDS = 3  # of what takes seconds
_TEXT = "# @rotate 3650d\n" + text("NAME", 23) + "TURN={version}\n"
_LARGE = sized((1 << 20) - 200) + "TURN={version}\n"
_LARGE_VERSIONS = 21
_HISTORY = f"history {LEVEL} -n 20"


def contests(rounds: int, many: tuple[int, ...], levels: tuple[int, int]) -> Generator[Contest, None, None]:
    """Compare vaults with few and many versions of a level, and with few and many levels."""
    yield from _versions(rounds, many)
    yield from _levels(max(3, rounds // 3), levels)
    yield from _large_history(max(3, rounds // 3))


def _versions(rounds: int, many: tuple[int, ...]) -> Generator[Contest, None, None]:
    with contextlib.ExitStack() as stack:
        homes = {f"{count:,} versions": _home(stack, Grown(((LEVEL, count),), _TEXT)) for count in (FEW, *many)}
        time.sleep(_SETTLED)
        note = "the same level with more versions; without the client's start; the disk's fsync is in it"
        yield Contest("set", _each(homes, _set, SET_TARGET), rounds, note)
        yield Contest("warm read", _each(homes, _warm, TARGET), rounds, "a view that is ready")
        yield Contest("cold read", _each(homes, _cold, TARGET), rounds, "the first read after a change")
        note = "the client's start included"
        yield Contest("get", _each(homes, partial(_command, f"get {LEVEL} NAME_001"), TARGET), rounds, note)
        yield Contest("history", _each(homes, partial(_command, _HISTORY), TARGET), rounds, note)
        stale = _each(homes, partial(_command, f"stale {LEVEL} --all"), STALE_TARGET)
        yield Contest("stale", stale, rounds, "a value that the first version set")
        yield Contest("start", _each(homes, _start, TARGET), max(3, rounds // 2), "`envfs mount`, until it serves")


def _levels(rounds: int, levels: tuple[int, int]) -> Generator[Contest, None, None]:
    with contextlib.ExitStack() as stack:
        some, most = (_home(stack, Grown(many_levels(count), _TEXT)) for count in levels)
        few_name, many_name = (f"{count:,} levels" for count in levels)
        homes = {"no levels": stack.enter_context(Home()), many_name: most}
        yield Contest("start with levels", _each(homes, _start, READY_TARGET), rounds, "`envfs mount`, until it serves")
        for word in ("ls", "verify"):
            few = Contestant(few_name, partial(_for_each, levels[0], word, some))
            many = Contestant(many_name, partial(_for_each, levels[1], word, most), LINEAR_TARGET)
            yield Contest(word, (few, many), _FEW_ROUNDS, "for each level, the client's start included")


def _large_history(rounds: int) -> Generator[Contest, None, None]:
    with contextlib.ExitStack() as stack:
        homes = {
            "a level of 700 bytes": _home(stack, Grown(((LEVEL, _LARGE_VERSIONS),), _TEXT)),
            "a level of 1 MiB": _home(stack, Grown(((LEVEL, _LARGE_VERSIONS),), _LARGE)),
        }
        history = _each(homes, partial(_command, _HISTORY), LARGE_TARGET)
        yield Contest("history of a large level", history, rounds, "20 versions")


def _home(stack: contextlib.ExitStack, grown: Grown) -> Home:
    home = stack.enter_context(Home(grown=grown))
    home.envfs("ls")  # the log of a copy finds its checkpoints once
    return home


def _each(homes: dict[str, Home], measure: Callable[[Home], Sample], target: float) -> tuple[Contestant, ...]:
    names: Iterable[tuple[int, str]] = enumerate(homes)
    return tuple(Contestant(name, partial(measure, homes[name]), target if place else 0.0) for place, name in names)


def _set(home: Home) -> Sample:
    return Sample(write(home, LEVEL, _SETS))


def _warm(home: Home) -> Sample:
    read(home, LEVEL)
    return median_of(_READS, lambda: timed(lambda: read(home, LEVEL)))


def _cold(home: Home) -> Sample:
    return median_of(3, lambda: cold(home, LEVEL))


def _command(words: str, home: Home) -> Sample:
    return median_of(_GETS, lambda: timed(lambda: home.envfs(*words.split())))


def _for_each(count: int, word: str, home: Home) -> Sample:
    return Sample(timed(lambda: home.envfs(word)) / count)


def _start(home: Home) -> Sample:
    home.unmount()
    return Sample(home.mount())
