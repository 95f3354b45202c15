"""An engine that lost records which it had acknowledged: the warning stays until a person says that they know."""

import os
from pathlib import Path

from envfs.core import record
from envfs.protocol import control
from tests.component.sharing_engine import EngineInMemory, joined, until, until_equal
from tests.component.two_machines import Two, put, sharing
from tests.component.world import World

_LOST = record.record_key("level/shop/prod", 2)
_TOLD = "level/shop/prod: it had record 2, and came back with 1"


async def _lose(engine: EngineInMemory, one: World) -> None:
    await until_equal(engine, one)
    await until(lambda: bool(one.service.sharing.facts.contact.time))
    data = engine.records.pop(_LOST)
    one.service.sharing.wake()
    await until(lambda: engine.records.get(_LOST) == data)


def _warnings(world: World) -> list[str]:
    return [text for text in world.service.problems() if "went back" in text]


async def _rows(world: World) -> list[control.SharingRow]:
    sent = await world.sent(control.DescribeSharing())
    return [row for row in sent.rows if isinstance(row, control.SharingRow)]


def test_the_warning_outlives_the_daemon_and_ends_with_a_persons_word(two: Two, tmp_path: Path) -> None:
    engine, one, _, _ = two

    async def lose() -> None:
        await put(one, "/shop/prod", "A=1\n")
        await _lose(engine, one)
        assert _warnings(one)

    sharing(lose, one)
    again = World(tmp_path, one.keyholder)  # type: ignore[arg-type]
    joined(again, engine)

    async def accept() -> None:
        await until_equal(engine, again)
        [warning] = _warnings(again)
        assert warning.endswith("`envfs sync accept` says that you know")
        assert [(row.kind, row.version) for row in await _rows(again)] == [("went-back", 2)]
        assert await again.ask(control.AcceptLosses()) == control.Done((_TOLD,))
        [entry] = [entry for entry in again.entries() if entry["event"] == "engine"]
        assert (entry["level"], entry["operation"], entry["rule"]) == ("/shop/prod", "accept", _TOLD)
        assert entry["uid"] == os.getuid()
        assert not _warnings(again)
        assert not await _rows(again)
        refused = await again.ask(control.AcceptLosses())
        assert isinstance(refused, control.Failed)
        assert refused.code == "conflict"
        await _lose(engine, again)  # the next loss is another one
        assert _warnings(again)

    sharing(accept, again)
    again.close()


def test_what_was_accepted_does_not_come_back_with_a_restart(two: Two, tmp_path: Path) -> None:
    engine, one, _, _ = two

    async def script() -> None:
        await put(one, "/shop/prod", "A=1\n")
        await _lose(engine, one)
        assert isinstance(await one.ask(control.AcceptLosses()), control.Done)

    sharing(script, one)
    again = World(tmp_path, one.keyholder)  # type: ignore[arg-type]
    assert not again.service.sharing.facts.lost.all()
    again.close()


def test_an_acceptance_that_cannot_be_logged_does_not_count(two: Two) -> None:
    engine, one, _, _ = two

    async def script() -> None:
        await put(one, "/shop/prod", "A=1\n")
        await _lose(engine, one)
        os.rename(one.service.places.log, f"{one.service.places.log}.away")
        assert isinstance(await one.ask(control.AcceptLosses()), control.Failed)
        assert _warnings(one)

    sharing(script, one)
