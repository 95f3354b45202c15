"""A version by a step back or by a time: which one is meant, what its view is, and who may ask for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core.access.roles import Capability
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import STRANGER, World, run

R = control
APP = "/shop/app"


class Past(NamedTuple):
    """A vault with a past: the times of the versions of /shop/app, and one after the last change of /shop."""

    world: World
    times: tuple[str, str]
    last: str


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Give two versions of /shop/app, with a version of /shop behind each."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("past"), link)

    async def fill() -> None:
        await world.make()
        for level, text in (
            *(("/shop", "TOP=1\n"), (APP, "A=1\n"), ("/shop", "TOP=2\n"), (APP, "A=2\n"), ("/shop", "TOP=3\n")),
            ("/shop/other/below", "B=1\n"),
        ):
            await world.write(level, text)

    run(fill)
    vault = world.open_vault.vault
    times = vault.header(APP, 1).time, vault.header(APP, 2).time
    yield Past(world, times, vault.header("/shop", 3).time)
    world.close()
    link.close()


def read(past: Past, level: str, version: int = 0, moment: str = "", what: str = "environ") -> R.ReadView:
    return R.ReadView(level, what, "export", (), version, moment=moment)


def test_a_step_back_is_the_view_of_when_that_version_was_written(past: Past) -> None:
    replied = run(lambda: past.world.sent(read(past, APP, -1)))
    assert replied.blob == b"TOP=1\0A=1\0"
    assert replied.rows == [R.ChosenRow(APP, 1, past.times[0])]
    assert past.world.entries()[-1]["version"] == 1


def test_a_time_is_what_a_reader_got_then_of_every_level(past: Past) -> None:
    # between the two versions of /shop/app there was another one of /shop, which readers got
    middle = past.world.open_vault.vault.header("/shop", 2).time
    for moment, blob, version in (
        (past.times[0], b"TOP=1\0A=1\0", 1),
        (middle, b"TOP=2\0A=1\0", 1),
        (past.times[1], b"TOP=2\0A=2\0", 2),
        (past.last, b"TOP=3\0A=2\0", 2),
        ("2999-01-01T00:00:00.000000Z", b"TOP=3\0A=2\0", 2),
    ):
        replied = run(lambda moment=moment: past.world.sent(read(past, APP, moment=moment)))
        assert replied.blob == blob
        assert replied.rows == [R.ChosenRow(APP, version, past.times[version - 1])]


def test_names_facts_and_the_own_text_go_by_the_same_choice(past: Past) -> None:
    moment = past.times[0]
    assert run(lambda: past.world.sent(R.ListVariables(APP, moment=moment))).rows[1:] == [
        R.VariableRow("TOP", "/shop"),
        R.VariableRow("A", APP),
    ]
    facts = run(lambda: past.world.sent(R.DescribeView(APP, -1))).rows
    assert [row.name for row in facts if isinstance(row, R.FactsRow)] == ["TOP", "A"]
    for request in (read(past, APP, -1, what="own"), read(past, APP, moment=moment, what="own")):
        assert run(lambda request=request: past.world.sent(request)).blob == b"A=1\n"


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "too far back": ({"version": -2}, "no-such-level"),
    "far too far back": ({"version": -(10**300)}, "no-such-level"),
    "before it was there": ({"moment": "2001-01-01T00:00:00.000000Z"}, "no-such-level"),
    "a version that never was": ({"version": 3}, "no-such-level"),
    "two versions": ({"version": 1, "moment": "2026-01-01T00:00:00.000000Z"}, "bad-request"),
    "no time": ({"moment": "yesterday"}, "bad-request"),
    "a time to the second": ({"moment": "2026-01-01T00:00:00Z"}, "bad-request"),
    "a time before 1970": ({"moment": "1960-01-01T00:00:00.000000Z"}, "bad-request"),
}


@pytest.mark.parametrize(("fields", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_version_that_is_none_is_refused_and_no_read_of_it_is_logged(
    past: Past, fields: dict[str, object], expected: str
) -> None:
    before = len(past.world.entries())
    for request in (read(past, APP)._replace(**fields), R.ListVariables(APP)._replace(**fields)):
        replied = run(lambda request=request: past.world.sent(request))
        assert (code(replied.reply), replied.rows) == (expected, [])
    assert [entry for entry in past.world.entries()[before:] if entry["event"] == "read"] == []


def test_a_level_without_a_text_of_its_own_has_the_view_of_those_above_then(past: Past) -> None:
    replied = run(lambda: past.world.sent(read(past, "/shop/other", moment=past.times[1])))
    assert replied.blob == b"TOP=2\0"
    assert replied.rows == [R.ChosenRow("/shop/other", 0, "")]
    own = run(lambda: past.world.ask(read(past, "/shop/other", moment=past.times[1], what="own")))
    assert code(own) == "no-such-level"


@pytest.fixture
def ruled(past: Past, tmp_path: Path, keyholder: KeyholderLink) -> Iterator[World]:
    """Give one test a copy in which it may give rules. Its vault is locked."""
    shutil.copytree(past.world.folder, tmp_path, dirs_exist_ok=True)
    world = World(tmp_path, keyholder)
    yield world
    world.close()


@pytest.mark.parametrize("fields", [{"version": -1}, {"moment": "2999-01-01T00:00:00.000000Z"}], ids=["step", "time"])
def test_versions_of_the_past_take_the_history_and_the_refusal_tells_nothing_of_them(
    ruled: World, fields: dict[str, object]
) -> None:
    requests = (R.ReadView(APP, "dotenv", "show")._replace(**fields), R.ListVariables(APP)._replace(**fields))
    let(ruled, "/", frozenset((Capability.READ, Capability.NAMES)))
    for request in requests:
        replied = run(lambda request=request: ruled.sent(request, STRANGER))
        assert (code(replied.reply), replied.rows) == ("not-approved", [])
        assert ruled.entries()[-1]["event"] == "refuse"
    let(ruled, "/", frozenset((Capability.HISTORY,)))
    for request in requests:
        assert code(run(lambda request=request: ruled.ask(request, STRANGER))) == "not-approved"
    let(ruled, "/", frozenset((Capability.READ, Capability.NAMES, Capability.HISTORY)))
    for request in requests:
        assert code(run(lambda request=request: ruled.ask(request, STRANGER))) == "locked"


WRITES: dict[str, NamedTuple] = {
    "set": R.CheckWrite("/shop@1", "A"),
    "unset": R.UnsetVariable("/shop@-1", "TOP"),
    "rename": R.RenameVariable("/shop@1", "TOP", "LOW"),
    "rollback": R.Rollback("/shop@1", 1),
    "grant": R.GrantAccess("/shop@1", 7),
    "explain a caller": R.ExplainAccess("/shop@1", uid=7),
    "who": R.ListReaders("/shop@1"),
    "ls": R.ListLevels("/shop@1"),
    "accept": R.Accept("/shop@1"),
    "key rotate": R.RotateKey("shop@1"),
}


@pytest.mark.parametrize("request_", WRITES.values(), ids=WRITES)
def test_where_nothing_is_read_a_version_is_refused_by_name(past: Past, request_: NamedTuple) -> None:
    reply = run(lambda: past.world.ask(request_))
    assert isinstance(reply, R.Failed)
    assert (reply.code, reply.hint) == ("bad-name", "leave out the @ and what follows it")
