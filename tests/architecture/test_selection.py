"""What `make test` leaves to `make soak` has a member there: the choice itself is tested."""

import itertools

import pytest

from tests.selection import dealt_out, shared_out, spread

LETTERS, NUMBERS, SIGNS = "abcdefg", (1, 2, 3), ("+", "-")


def chosen(cases: list[pytest.ParameterSet]) -> list[tuple[object, ...]]:
    return [case.values for case in cases if not case.marks]


@pytest.mark.parametrize("dimensions", [(LETTERS, NUMBERS), (LETTERS, NUMBERS, SIGNS), (NUMBERS, NUMBERS), (LETTERS,)])
def test_every_member_is_chosen_and_no_case_is_lost(dimensions: tuple[tuple[object, ...], ...]) -> None:
    cases = spread(*dimensions)
    assert [case.values for case in cases] == list(itertools.product(*dimensions))
    assert len(chosen(cases)) == max(map(len, dimensions))
    for at, dimension in enumerate(dimensions):
        assert {case[at] for case in chosen(cases)} == set(dimension)


def test_every_member_is_chosen_though_some_cases_are_none() -> None:
    cases = spread(LETTERS, NUMBERS, but=lambda letter, number: letter in "ab" and number != 3)
    assert len(cases) == len(LETTERS) * len(NUMBERS) - 4
    assert {letter for letter, _ in chosen(cases)} == set(LETTERS)
    assert {number for _, number in chosen(cases)} == set(NUMBERS)


def test_shares_meet_every_member_and_together_are_all() -> None:
    cases = shared_out(LETTERS, NUMBERS, 3)
    assert [case.values[0] for case in cases if not case.marks] == list(LETTERS)
    assert {number for case in cases if not case.marks for number in case.values[1]} == set(NUMBERS)
    together = [(case.values[0], number) for case in cases for number in case.values[1]]
    assert sorted(together) == list(itertools.product(LETTERS, NUMBERS))


@pytest.mark.parametrize("among", [1, 2, 4, 7])
def test_each_part_of_the_order_begins_with_its_share_of_what_is_dear(among: int) -> None:
    modules = [(1 + at * 7 % 11, at % 3 == 0) for at in range(200)]
    order = dealt_out(modules, among)
    assert sorted(order) == list(range(len(modules)))
    tests = [at for at in order for _ in range(modules[at][0])]
    for part in range(among):
        begin, end = (len(tests) * edge // among for edge in (part, part + 1))
        dear = [modules[at][1] for at in tests[begin:end]]
        share = sum(count for count, is_dear in modules if is_dear) // among
        assert dear[11 : share - 11] == [True] * (share - 22)  # the edges are within a module
        assert not any(dear[share + 22 : -22])
