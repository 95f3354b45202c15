"""Some variables as they were in an old version: these and no others, and with a message of its own."""

import pytest

from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import World, run

R = control
THEN = "# the old one\nA='1'\nREF=${A}/x\nGONE=3\n# @canary TRAP\nTRAP=t\n"
NOW = "B=2 # stays\nA=9 # and why\nREF=plain\nNEW=4\nTRAP=u\n"


@pytest.fixture
def changed(world: World) -> World:
    """Give one test a level with an old version and another one."""

    async def fill() -> None:
        await world.write("/app", THEN)
        await world.write("/app", NOW)

    run(fill)
    return world


def own_text(world: World) -> str:
    return run(lambda: world.sent(R.ReadView("/app", "own", "show"))).blob.decode()


CASES = {
    "a value, in its place": (("A",), "B=2 # stays\nA=1 # and why\nREF=plain\nNEW=4\nTRAP=u\n"),
    "a reference": (("REF",), 'B=2 # stays\nA=9 # and why\nREF="${A}/x"\nNEW=4\nTRAP=u\n'),
    "one that is gone": (("GONE",), f"{NOW}GONE=3\n"),
    "one that was not there": (("NEW",), "B=2 # stays\nA=9 # and why\nREF=plain\nTRAP=u\n"),
    "a canary": (("TRAP",), "B=2 # stays\nA=9 # and why\nREF=plain\nNEW=4\n# @canary TRAP\nTRAP=t\n"),
    "several": (("GONE", "NEW", "A"), "B=2 # stays\nA=1 # and why\nREF=plain\nTRAP=u\nGONE=3\n"),
}


@pytest.mark.parametrize(("several", "text"), CASES.values(), ids=CASES)
def test_the_named_variables_are_as_they_were_and_all_else_stays(
    changed: World, several: tuple[str, ...], text: str
) -> None:
    written = run(lambda: changed.ask(R.Rollback("/app", 1, names=several)))
    assert isinstance(written, R.Written)
    assert {*written.added, *written.changed, *written.removed} == {*several}
    assert own_text(changed) == text


def test_the_version_says_what_came_back_and_from_where(changed: World) -> None:
    for request, operation, message in (
        (R.Rollback("/app", 1, names=("A", "REF")), "restore", "A, REF as in version 1 of "),
        (R.Rollback("/app", 2), "rollback", "as in version 2 of "),
        (R.Rollback("/app", 1, "by hand", ("A",)), "restore", "by hand"),
    ):
        run(lambda request=request: changed.ask(request))
        row = run(lambda: changed.sent(R.ListHistory("/app", 1))).rows[0]
        assert isinstance(row, R.VersionRow)
        assert (row.operation, row.source_version) == (operation, request.version)
        assert row.message.startswith(message)


def test_many_names_make_no_message_that_is_too_long(world: World) -> None:
    several = tuple(f"{'N' * 250}{number}" for number in range(40))

    async def main() -> object:
        await world.write("/app", "".join(f"{name}=1\n" for name in several))
        await world.write("/app", "X=1\n")
        return await world.ask(R.Rollback("/app", 1, names=several))

    written = run(main)
    assert isinstance(written, R.Written)
    assert len(written.added) == 40


REFUSED = {
    "one that was never there": (R.Rollback("/app", 1, names=("A", "NEVER")), "no-such-variable"),
    "a name that is none": (R.Rollback("/app", 1, names=("A=1",)), "bad-name"),
    "a version that never was": (R.Rollback("/app", 3, names=("A",)), "no-such-level"),
    "version 0": (R.Rollback("/app", 0, names=("A",)), "no-such-level"),
}


@pytest.mark.parametrize(("request_", "expected"), REFUSED.values(), ids=REFUSED)
def test_nothing_is_changed_where_one_of_them_cannot_be(changed: World, request_: R.Rollback, expected: str) -> None:
    assert code(run(lambda: changed.ask(request_))) == expected
    assert own_text(changed) == NOW


def test_variables_that_are_as_they_were_make_no_version(changed: World) -> None:
    run(lambda: changed.ask(R.Rollback("/app", 1, names=("A",))))
    written = run(lambda: changed.ask(R.Rollback("/app", 1, names=("A",))))
    assert isinstance(written, R.Written)
    assert (written.version, written.notes) == (3, ("nothing changed",))
