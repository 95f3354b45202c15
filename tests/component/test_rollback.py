"""Some variables as they were in an old version: these and no others, and with a message of its own."""

import itertools
from collections.abc import Iterator

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import World, run

R = control
NUMBERS = itertools.count(1)
THEN = "# the old one\nA='1'\nREF=${A}/x\nGONE=3\n# @canary TRAP\nTRAP=t\n"
NOW = "B=2 # stays\nA=9 # and why\nREF=plain\nNEW=4\nTRAP=u\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the module an empty vault, in which each test has a level of its own."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("told"), link)
    run(world.make)
    yield world
    world.close()
    link.close()


@pytest.fixture
def level(told: World) -> str:
    """Give one test a level with an old version and another one."""
    path = f"/app/level{next(NUMBERS)}"

    async def fill() -> None:
        await told.write(path, THEN)
        await told.write(path, NOW)

    run(fill)
    return path


def own_text(world: World, level: str) -> str:
    return run(lambda: world.sent(R.ReadView(level, "own", "show"))).blob.decode()


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
    told: World, level: str, several: tuple[str, ...], text: str
) -> None:
    written = run(lambda: told.ask(R.Rollback(level, 1, names=several)))
    assert isinstance(written, R.Written)
    assert {*written.added, *written.changed, *written.removed} == {*several}
    assert own_text(told, level) == text


def test_the_version_says_what_came_back_and_from_where(told: World, level: str) -> None:
    for request, operation, message in (
        (R.Rollback(level, 1, names=("A", "REF")), "restore", "A, REF as in version 1 of "),
        (R.Rollback(level, 2), "rollback", "as in version 2 of "),
        (R.Rollback(level, 1, "by hand", ("A",)), "restore", "by hand"),
    ):
        run(lambda request=request: told.ask(request))
        row = run(lambda: told.sent(R.ListHistory(level, 1))).rows[0]
        assert isinstance(row, R.VersionRow)
        assert (row.operation, row.source_version) == (operation, request.version)
        assert row.message.startswith(message)


def test_many_names_make_no_message_that_is_too_long(told: World) -> None:
    several = tuple(f"{'N' * 250}{number}" for number in range(40))

    async def main() -> object:
        await told.write("/app/many", "".join(f"{name}=1\n" for name in several))
        await told.write("/app/many", "X=1\n")
        return await told.ask(R.Rollback("/app/many", 1, names=several))

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
def test_nothing_is_changed_where_one_of_them_cannot_be(
    told: World, level: str, request_: R.Rollback, expected: str
) -> None:
    assert code(run(lambda: told.ask(request_._replace(level=level)))) == expected
    assert own_text(told, level) == NOW


def test_variables_that_are_as_they_were_make_no_version(told: World, level: str) -> None:
    run(lambda: told.ask(R.Rollback(level, 1, names=("A",))))
    written = run(lambda: told.ask(R.Rollback(level, 1, names=("A",))))
    assert isinstance(written, R.Written)
    assert (written.version, written.notes) == (3, ("nothing changed",))
