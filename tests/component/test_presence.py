"""Whether variables are set: for callers with the names of a level alone, and never what they are, nor how long."""

import pytest

from envfs.core.access.roles import Capability
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import STRANGER, World, run

R = control
LEVEL = "/wiki/a"
NAMES = frozenset({Capability.NAMES})
HISTORY = NAMES | {Capability.HISTORY}
WRITE = HISTORY | {Capability.WRITE}


def rows(world: World, request: R.ListPresence, *, stranger: bool = True) -> list[R.PresenceRow]:
    caller = {"caller": STRANGER} if stranger else {}
    sent = run(lambda: world.sent(request, **caller)).rows
    return [row for row in sent if isinstance(row, R.PresenceRow)]


@pytest.fixture
def filled(world: World) -> World:
    for level, text in (("/wiki", b"TOP=swordfish\n"), (LEVEL, b"A=one\nB=\nC=${TOP}\nD='${TOP}'\n")):
        run(lambda: world.ask(R.ImportText(level, replace=True), secret=text))  # noqa: B023
    run(lambda: world.ask(R.SetVariable(LEVEL, "A"), secret=b"hunter2"))
    return world


def test_names_are_enough_to_learn_what_is_set_and_by_which_level(filled: World) -> None:
    let(filled, LEVEL, NAMES)
    found = rows(filled, R.ListPresence(LEVEL, ("A", "B", "TOP", "NOPE"), ages=True))
    assert [tuple(row)[1:4] for row in found] == [
        ("A", "set", LEVEL),
        ("B", "empty", LEVEL),
        ("TOP", "set", "/wiki"),
        ("NOPE", "not-set", ""),
    ]
    assert {(row.since, row.version) for row in found} == {("", 0)}
    assert [row.name for row in rows(filled, R.ListPresence(LEVEL))][-5:] == ["TOP", "A", "B", "C", "D"]


def test_since_when_takes_history_where_the_variable_is_set(filled: World) -> None:
    let(filled, LEVEL, HISTORY)
    found = {row.name: row for row in rows(filled, R.ListPresence(LEVEL, ("A", "B", "TOP"), ages=True))}
    assert (found["A"].version, found["B"].version, found["TOP"].version) == (2, 1, 0)
    assert found["A"].since > found["B"].since > ""
    assert [row.since for row in rows(filled, R.ListPresence(LEVEL, ("A",)))] == [""]
    let(filled, "/wiki", HISTORY)
    assert rows(filled, R.ListPresence(LEVEL, ("TOP",), ages=True))[0].version == 1


@pytest.mark.parametrize("at", [LEVEL, "/wiki"])
def test_a_caller_that_writes_and_does_not_read_confirms_no_guess(filled: World, at: str) -> None:
    let(filled, at, WRITE)
    before = rows(filled, R.ListPresence(LEVEL, ("A", "B"), ages=True))
    for value in (b"", b"a guess"):
        run(lambda: filled.ask(R.SetVariable(LEVEL, "B"), STRANGER, value))  # noqa: B023
        assert rows(filled, R.ListPresence(LEVEL, ("A", "B"), ages=True)) == before
    assert {(row.state, row.since) for row in before} == {("set", "")}
    let(filled, at, WRITE | {Capability.READ})
    assert {row.state for row in rows(filled, R.ListPresence(LEVEL, ("A",), ages=True))} == {"set"}


def test_without_the_names_nothing_is_said(filled: World) -> None:
    let(filled, LEVEL, HISTORY - NAMES)
    before = len(filled.entries())
    refused = run(lambda: filled.ask(R.ListPresence(LEVEL, ("A",)), STRANGER))
    assert code(refused) == "not-approved"
    assert [(entry["event"], entry["format"]) for entry in filled.entries()[before:]] == [("refuse", "presence")]


def test_below_a_level_those_alone_are_told_whose_names_the_caller_has(filled: World) -> None:
    run(lambda: filled.ask(R.SetVariable("/wiki/b", "X"), secret=b"1"))
    let(filled, "/wiki/b", NAMES)
    assert code(run(lambda: filled.ask(R.ListPresence("/wiki", below=True), STRANGER))) == "not-approved"
    found = rows(filled, R.ListPresence("/wiki", below=True), stranger=False)
    assert {row.level for row in found} >= {"/wiki", LEVEL, "/wiki/b"}
    assert code(run(lambda: filled.ask(R.ListPresence("/wiki", below=True, version=1)))) == "bad-request"


def test_a_version_of_the_past_is_told_by_its_number(filled: World) -> None:
    run(lambda: filled.ask(R.UnsetVariable(LEVEL, "A")))
    assert [row.state for row in rows(filled, R.ListPresence(LEVEL, ("A",)), stranger=False)] == ["not-set"]
    past = rows(filled, R.ListPresence(LEVEL, ("A",), ages=True, version=1), stranger=False)
    assert [(row.state, row.since) for row in past] == [("set", "")]
    let(filled, LEVEL, NAMES)
    assert code(run(lambda: filled.ask(R.ListPresence(LEVEL, ("A",), version=1), STRANGER))) == "not-approved"


def test_no_canary_is_alarmed_and_the_log_has_no_name(filled: World) -> None:
    run(lambda: filled.ask(R.ImportText(LEVEL), secret=b"# @canary\nTRAP=swordfish\n"))
    let(filled, LEVEL, NAMES)
    before = len(filled.entries())
    assert rows(filled, R.ListPresence(LEVEL, ("TRAP",)))[0].state == "set"
    entries = filled.entries()[before:]
    assert [(entry["event"], entry["format"], entry["level"]) for entry in entries] == [("read", "presence", LEVEL)]
    assert "TRAP" not in str(entries)
