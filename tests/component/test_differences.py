"""What differs between two versions of a level, and between two levels: by name, and as far as a caller may know."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import ME, STRANGER, World, run

R = control
TEXTS = (
    "A=1\nB=2\nC=3\n",  # 1
    "A=x\nB=2\nC=3\nNEW=1\n",  # 2
    "A=1\nB=2\nD=4\nNEW=1\n",  # 3: A is as in 1 again
    "A=1\nB=2\nD=4\n",  # 4: NEW was there between
)
Differing = tuple[set[str], set[str], set[str]]  # added, changed, removed


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the versions of /app above, and two levels below /shop that inherit from it."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("told"), link)

    async def fill() -> None:
        await world.make()
        for text in TEXTS:
            await world.write("/app", text)
        await world.write("/shop", "DB=one\nURL=${DB}/x\n")
        await world.write("/shop/prod", "DB=two\nPAGER=on\n")
        await world.write("/shop/test", "MODE=test\n")
        await world.write("/shop", "DB=one\nURL=${DB}/x\nLATE=1\n")

    run(fill)
    yield world
    world.close()
    link.close()


class Told(NamedTuple):
    """The answer to a comparison."""

    differing: Differing
    notes: tuple[str, ...]
    chosen: list[int]


def ask(world: World, request: R.CompareLevels, caller: Caller = ME) -> Told:
    sent = run(lambda: world.sent(request, caller))
    assert isinstance(sent.reply, R.Done), sent.reply
    rows = [row for row in sent.rows if isinstance(row, R.DifferenceRow)]
    added, changed, removed = ({row.name for row in rows if row.change == word} for word in R_WORDS)
    chosen = [row.version for row in sent.rows if isinstance(row, R.ChosenRow)]
    return Told((added, changed, removed), sent.reply.notes, chosen)


R_WORDS = ("added", "changed", "removed")
VERSIONS: dict[str, tuple[R.CompareLevels, Differing]] = {
    "the one before": (R.CompareLevels("/app", -1), (set(), set(), {"NEW"})),
    "the first and now": (R.CompareLevels("/app", 1), ({"D"}, set(), {"C"})),
    "two of the past": (R.CompareLevels("/app", 1, other_version=2), ({"NEW"}, {"A"}, set())),
    "the way back": (R.CompareLevels("/app", 2, other_version=1), (set(), {"A"}, {"NEW"})),
    "the same twice": (R.CompareLevels("/app", 3, other_version=-1), (set(), set(), set())),
}


@pytest.mark.parametrize(("request_", "differing"), VERSIONS.values(), ids=VERSIONS)
def test_two_versions_differ_in_their_own_texts(told: World, request_: R.CompareLevels, differing: Differing) -> None:
    let(told, "/", frozenset())
    before = len(told.entries())
    answer = ask(told, request_)
    assert (answer.differing, answer.notes) == (differing, ())
    entries = told.entries()[before:]
    assert [(entry["event"], entry["format"], entry["level"]) for entry in entries] == [("read", "compare", "/app")] * 2


def test_two_levels_differ_in_what_a_reader_gets_or_in_what_they_set_themselves(told: World) -> None:
    let(told, "/", frozenset())
    two = R.CompareLevels("/shop/test", other="/shop/prod")
    assert ask(told, two).differing == ({"PAGER"}, {"DB", "URL"}, {"MODE"})
    assert ask(told, two._replace(own=True)).differing == ({"DB", "PAGER"}, set(), {"MODE"})
    then = R.CompareLevels("/shop/prod", 1, other="/shop/prod")._replace(other="/shop")
    assert ask(told, then).differing == ({"LATE"}, {"DB", "URL"}, {"PAGER"})


HISTORY = frozenset((Capability.HISTORY, Capability.NAMES))
READ = frozenset((Capability.READ,))


@pytest.mark.parametrize(
    ("request_", "differing"),
    [
        (R.CompareLevels("/app", 1, other_version=2), ({"NEW"}, {"A"}, set())),
        (R.CompareLevels("/app", 1), ({"D"}, {"A"}, {"C"})),  # A has its value again, which a history does not show
        (R.CompareLevels("/app", 4, other_version=1), ({"C"}, {"A"}, {"D"})),
        (R.CompareLevels("/app", 2, other_version=2), (set(), set(), set())),
    ],
)
def test_without_values_a_caller_learns_what_the_history_shows(
    told: World, request_: R.CompareLevels, differing: Differing
) -> None:
    let(told, "/app", HISTORY)
    answer = ask(told, request_, STRANGER)
    assert answer.differing == differing
    assert "takes `read`" in answer.notes[0]
    assert {entry["format"] for entry in told.entries()[-2:]} == {"history"}


REFUSED: dict[str, tuple[R.CompareLevels, str, frozenset[Capability]]] = {
    "versions without the history": (R.CompareLevels("/app", 1), "/", READ | {Capability.NAMES}),
    "versions without names": (R.CompareLevels("/app", 1), "/", frozenset((Capability.HISTORY,))),
    "a step back without the history": (R.CompareLevels("/app", -1), "/", READ),
    "levels without values": (R.CompareLevels("/shop/test", other="/shop/prod"), "/", HISTORY),
    "own texts of levels without values": (R.CompareLevels("/shop/test", other="/app", own=True), "/", HISTORY),
    "a level that it may not read": (R.CompareLevels("/shop/test", other="/app"), "/app", READ | HISTORY),
    "the same in the other order": (R.CompareLevels("/app", other="/shop/test"), "/app", READ | HISTORY),
    "levels, one of then, without the history": (R.CompareLevels("/app", other="/shop", version=1), "/", READ),
}


@pytest.mark.parametrize(("request_", "level", "can"), REFUSED.values(), ids=REFUSED)
def test_what_a_caller_may_not_compare_is_refused_without_a_row(
    told: World, request_: R.CompareLevels, level: str, can: frozenset[Capability]
) -> None:
    let(told, level, can)
    before = len(told.entries())
    sent = run(lambda: told.sent(request_, STRANGER))
    assert (code(sent.reply), sent.rows) == ("not-approved", [])
    assert {entry["event"] for entry in told.entries()[before:]} == {"refuse"}  # neither side was read


def test_placeholders_and_some_names_only_compare_no_values(told: World) -> None:
    let(told, "/", READ | HISTORY, 'decision = "mask"\n')
    assert code(run(lambda: told.ask(R.CompareLevels("/shop/test", other="/shop/prod"), STRANGER))) == "not-approved"
    assert ask(told, R.CompareLevels("/app", 1), STRANGER).differing == ({"D"}, {"A"}, {"C"})
    let(told, "/", READ | HISTORY, 'only = ["A", "B"]\n')
    assert code(run(lambda: told.ask(R.CompareLevels("/shop/test", other="/shop/prod"), STRANGER))) == "not-approved"
    assert ask(told, R.CompareLevels("/app", 1), STRANGER).differing == (set(), {"A"}, set())


MISSING: dict[str, R.CompareLevels] = {
    "a version that never was": R.CompareLevels("/app", 5),
    "a version of the other side": R.CompareLevels("/app", other_version=10**300),
    "too far back": R.CompareLevels("/app", -4),
    "a level that is not there": R.CompareLevels("/app", other="/none"),
    "a time before all": R.CompareLevels("/app", moment="2001-01-01T00:00:00.000000Z"),
}


@pytest.mark.parametrize("request_", MISSING.values(), ids=MISSING)
def test_what_is_not_there_is_not_compared_and_not_logged_as_read(told: World, request_: R.CompareLevels) -> None:
    let(told, "/", frozenset())
    before = told.entries()
    assert code(run(lambda: told.ask(request_))) == "no-such-level"
    assert told.entries() == before


def test_an_answer_that_is_begun_is_not_made_again_for_a_level_that_is_on_its_way(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    async def hear() -> bool:
        heard.append(True)
        return True

    monkeypatch.setattr(told.service.sharing, "hear", hear)
    let(told, "/", frozenset())
    before = told.entries()
    sent = run(lambda: told.sent(R.CompareLevels("/none")))
    assert (code(sent.reply), sent.rows, len(heard)) == ("no-such-level", [], 1)
    sent = run(lambda: told.sent(R.CompareLevels("/app", -1, other="/none")))
    assert (code(sent.reply), [type(row) for row in sent.rows], len(heard)) == ("no-such-level", [R.ChosenRow], 1)
    assert told.entries() == before


def test_a_comparison_of_values_uses_up_what_a_person_allowed_once(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    approvals, used = told.open_vault.gate._approvals, []
    monkeypatch.setattr(approvals, "approval_behind", lambda _caller, level, *_: level)
    monkeypatch.setattr(approvals, "note_served", lambda approval, *_: used.append(approval))
    let(told, "/", frozenset())
    ask(told, R.CompareLevels("/shop/test", other="/shop/prod"))
    assert used == ["/shop/test", "/shop/prod"]
