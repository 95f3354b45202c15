"""Tables of cases that multiply: `make test` tries some of them, `make soak` all the others.

Laws: every member of each dimension is tried by `make test`; which cases those are is the same on every machine; the
two together try each case once.
"""

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

import pytest

TIMES = int(os.environ.get("ENVFS_EXAMPLES", "1"))  # `make soak` tries each law with so many times the examples
First = TypeVar("First")
Second = TypeVar("Second")
Place = tuple[int, ...]


def spread(*dimensions: Collection[object], but: Callable[..., bool] = lambda *_: False) -> list[pytest.ParameterSet]:
    """Return the product of the dimensions without the cases of which `but` is true, for `parametrize`.

    All are of the soak but the first that have, in the order of the diagonal, a member which none before them had.
    """
    members = [list(dimension) for dimension in dimensions]
    places = [
        place for place in itertools.product(*(range(len(each)) for each in members)) if not but(*_at(members, place))
    ]
    chosen = covering(members, places)
    return [pytest.param(*_at(members, place), marks=() if place in chosen else pytest.mark.soak) for place in places]


def covering(members: Sequence[Sequence[object]], places: Iterable[Place]) -> set[Place]:
    """Choose among the places so many that each member of each dimension has one."""
    places = list(places)
    allowed, missing, chosen = set(places), {each for place in places for each in enumerate(place)}, set()
    diagonal = (tuple(at % len(each) for each in members) for at in range(max(map(len, members))))
    for place in itertools.chain(diagonal, places):
        if place in allowed and missing & set(enumerate(place)):
            missing -= set(enumerate(place))
            chosen.add(place)
    return chosen


def shared_out(firsts: Collection[First], seconds: Collection[Second], among: int) -> list[pytest.ParameterSet]:
    """Return each of `firsts` with one of so many shares of `seconds`; with the other shares, it is of the soak.

    The shares go round, so that each of `seconds` meets every so-manieth of `firsts`.
    """
    cases = []
    for at, first in enumerate(firsts):
        share = [second for number, second in enumerate(seconds) if (number + at) % among == 0]
        others = [second for number, second in enumerate(seconds) if (number + at) % among]
        cases.append(pytest.param(first, share, id=f"{first}"))
        cases.append(pytest.param(first, others, id=f"{first} (the rest)", marks=pytest.mark.soak))
    return cases


def dealt_out(modules: Sequence[tuple[int, bool]], among: int) -> list[int]:
    """Return an order of modules in which each of so many equal parts of it begins with a share of the dear ones.

    A module is its number of tests and whether it is dear. Each process begins with a part, and takes over from the end
    of another one's: what takes long is begun by all of them at once, and what is left at the end is short.
    """
    size = sum(count for count, _ in modules) / among
    parts: list[list[int]] = [[] for _ in range(among)]
    filled = [0] * among
    for is_for_dear in (True, False):
        for at, (count, is_dear) in enumerate(modules):
            if is_dear is is_for_dear:
                emptiest = filled.index(min(filled))
                part = emptiest if is_dear else next((n for n in range(among) if filled[n] + count <= size), emptiest)
                parts[part].append(at)
                filled[part] += count
    return [at for part in parts for at in part]


def _at(members: Sequence[Sequence[object]], place: Place) -> list[object]:
    return [each[at] for each, at in zip(members, place, strict=True)]
