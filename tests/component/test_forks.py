"""Forks of a shared vault: an engine that lost records and got others in their places. It is noticed, and undone."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import trio

from envfs.core import record
from envfs.errors import Conflict
from envfs.protocol import control
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import revoke_member
from tests.component.killing import Killed, killed_at
from tests.component.sharing_engine import (
    EngineInMemory,
    begin,
    copied,
    joined,
    line_of,
    set_engine,
    until,
    until_equal,
)
from tests.component.team import Team
from tests.component.two_machines import Two, put, sharing, text_of
from tests.component.world import ME, World, run

PROD = "level/shop/prod"


def lose(engine: EngineInMemory, stream: str, *numbers: int) -> None:
    """Have the engine lose records."""
    for number in numbers:
        del engine.records[record.record_key(stream, number)]


async def fork(two: Two, *mine: str) -> None:
    """Have the first machine write texts that the engine loses, while the other one writes in their places."""
    engine, one, other, line = two
    await until_equal(engine, one, other)
    two_line = line_of(other)
    two_line.away = True
    other.service.sharing.wake()
    await until(lambda: not other.service.sharing.facts.connected)
    for text in mine:
        await put(one, "/shop/prod", text)
    line.away = True
    one.service.sharing.wake()
    await until(lambda: not one.service.sharing.facts.connected)
    lose(engine, PROD, *range(2, 2 + len(mine)))
    two_line.away = False
    other.service.sharing.wake()
    await until(lambda: other.service.sharing.facts.connected)
    await put(other, "/shop/prod", "THEIRS=1\n")
    await until_equal(engine, other)
    line.away = False
    one.service.sharing.wake()
    await until(lambda: one.service.sharing.facts.forked == {PROD})


async def rejoined(world: World) -> tuple[str, ...]:
    """Run `sync rejoin`. Returns what it says."""
    reply = await world.ask(control.RejoinEngine())
    assert isinstance(reply, control.Done), reply
    return reply.notes


@pytest.mark.parametrize("count", [1, 2, 3], ids=["as many", "more here", "many more here"])
def test_what_the_engine_lost_is_merged_into_what_it_got_instead(two: Two, count: int) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await fork(two, *(f"MINE{number}=1\n" for number in range(count)))
        assert any("`envfs sync rejoin`" in text for text in one.service.problems())
        assert engine.versions("/shop/prod") == 2  # nothing was put behind what it does not follow from
        assert "MINE0=1" in await text_of(one, "/shop/prod")
        assert await put(one, "/shop/prod", "LATER=1\n") == count + 2
        notes = await rejoined(one)
        assert any(note.startswith("level/shop/prod follows the engine from record 2 on: ") for note in notes)
        await until_equal(engine, one, other)
        for world in (one, other):
            text = await text_of(world, "/shop/prod")
            assert all(f"{name}=1\n" in text for name in ("THEIRS", "LATER", *(f"MINE{n}" for n in range(count))))
        assert engine.versions("/shop/prod") == count + 3
        assert not one.service.problems()
        assert not one.service.sharing.facts.forked

    sharing(script, one, other)


def test_a_variable_that_both_lines_changed_is_a_conflict(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await fork(two, "THEIRS=mine\n")
        await rejoined(one)
        await until_equal(engine, one, other)
        assert "THEIRS=1\n" in await text_of(one, "/shop/prod")
        (conflict,) = one.service.store.outbox.conflicts()
        assert conflict.names == ("THEIRS",)
        assert isinstance(await one.ask(control.ResolveConflict("/shop/prod", mine=True)), control.Done)
        await until_equal(engine, one, other)
        assert "THEIRS=mine\n" in await text_of(other, "/shop/prod")

    sharing(script, one, other)


def test_what_this_machine_had_is_set_aside_and_shown(two: Two) -> None:
    _, one, other, _ = two

    async def script() -> None:
        await fork(two, "MINE=1\n")
        before = one.service.store.get(record.record_key(PROD, 2))
        await rejoined(one)
        told = await one.sent(control.DescribeSharing())
        (row,) = [row for row in told.rows if isinstance(row, control.SharingRow) and row.kind == "aside"]
        assert row.subject == PROD
        place = Path(row.text.rpartition(" in ")[2])
        assert (place / "own" / record.record_key(PROD, 2)).read_bytes() == before
        assert (place / "engine" / record.record_key(PROD, 2)).read_bytes() != before

    sharing(script, one, other)


def test_a_fork_is_noticed_while_the_engine_stays_connected(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await put(one, "/shop/prod", "MINE=1\n")
        await until_equal(engine, one, other)
        await until(lambda: other.service.sharing.facts.connected)
        ours = engine.records[record.record_key(PROD, 2)]
        await put(one, "/shop/prod", "MORE=1\n")
        await until_equal(engine, one, other)
        # an older engine, on which a third machine wrote: here with a record that is good in another place
        engine.records[record.record_key(PROD, 3)] = ours
        for world in (one, other):
            world.service.sharing.wake(PROD)
            await until(lambda world=world: world.service.sharing.facts.forked == {PROD})
        with pytest.raises(AssertionError, match="are not taken"):
            await rejoined(one)  # what is there is no record of an author in that place
        assert "MORE=1\n" in await text_of(one, "/shop/prod")

    sharing(script, one, other)


def test_nothing_is_given_back_behind_another_record(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        for number in range(3):
            await put(one, "/shop/prod", f"MINE{number}=1\n")
        await until_equal(engine, one, other)
        good = engine.records[record.record_key(PROD, 2)]
        lose(engine, PROD, 3, 4)
        engine.records[record.record_key(PROD, 3)] = good
        one.service.sharing.wake()
        await until(lambda: one.service.sharing.facts.forked == {PROD})
        assert record.record_key(PROD, 4) not in engine.records

    sharing(script, one, other)


def test_without_a_fork_there_is_nothing_to_rejoin(two: Two) -> None:
    async def script() -> None:
        await until_equal(two.engine, two.one, two.other)
        reply = await two.one.ask(control.RejoinEngine())
        assert isinstance(reply, control.Failed)
        assert reply.code == Conflict.code

    sharing(script, two.one, two.other)


# -- members and keys --------------------------------------------------------------------------------------------------


def has_heads(engine: EngineInMemory, world: World) -> bool:
    """Tell whether a machine has the engine's newest records. Old key files may be forgotten on the one alone."""
    store, heads = world.service.store, dict[str, str]()
    for key in sorted(engine.records):
        heads[key.rpartition("/")[0]] = key
    mine = {
        key.rpartition("/")[0]: key for top in ("member/", "key/", "tombstone/", "level/") for key in store.list(top)
    }
    return (
        not len(store.outbox)
        and mine == heads
        and all(store.mirror.get(key) == engine.records[key] for key in heads.values())
    )


def test_a_list_and_keys_that_the_engine_lost_are_those_of_the_engine_and_no_text_is_lost(team: Team) -> None:
    engine, ana, cai = EngineInMemory(), team["ana"], team["cai"]
    lines = {name: joined(team[name], engine) for name in ("ana", "cai")}
    set_engine(ana)
    set_engine(cai)

    async def away(name: str, is_away: bool = True) -> None:
        lines[name].away = is_away
        team[name].service.sharing.wake()
        await until(lambda: team[name].service.sharing.facts.connected is not is_away)

    async def script() -> None:
        await until(lambda: has_heads(engine, ana) and has_heads(engine, cai))
        before = dict(engine.records)
        await away("cai")
        await revoke_member(ana.service, ME, control.RevokeMember("ben"))
        await put(ana, "/shop/prod", "ANA=1\n")
        await until(lambda: has_heads(engine, ana))
        await away("ana")
        engine.records = before
        await away("cai", is_away=False)
        assert isinstance(await cai.ask(control.ChangeMember("ben", "reader", ("/shop",))), control.Done)
        assert isinstance(await cai.ask(control.RotateKey("shop")), control.Done)
        await put(cai, "/shop/prod", "CAI=1\n")
        await until(lambda: has_heads(engine, cai))
        await away("ana", is_away=False)
        forked = ana.service.sharing.facts.forked
        assert {"member", "key/shop", PROD} <= forked
        reply = await ana.ask(control.RevokeMember("cai"))
        assert isinstance(reply, control.Failed)
        assert "`envfs sync rejoin`" in reply.hint
        notes = await rejoined(ana)
        assert any("what was done to members here has to be done again" in note for note in notes)
        await until(lambda: has_heads(engine, ana) and has_heads(engine, cai))
        for world in (ana, cai):
            text = await text_of(world, "/shop/prod")
            assert "ANA=1\n" in text
            assert "CAI=1\n" in text
        assert [member.name for member in (await load_members(ana.service)).now.members][1:] == ["ben", "cai"]
        await revoke_member(ana.service, ME, control.RevokeMember("ben"))
        await until(lambda: has_heads(engine, ana) and has_heads(engine, cai))
        assert (await ana.sent(control.VerifyVault())).reply.failed == 0
        assert not ana.service.problems()

    sharing(script, ana, cai)
    again = World(ana.folder, ana.keyholder)  # type: ignore[arg-type]

    async def look() -> None:
        assert "CAI=1\n" in await text_of(again, "/shop/prod")  # and no mark is of the line that is aside

    again.service.sharing.connect = lines["ana"].connect
    sharing(look, again)
    again.close()


# -- killed at each step -----------------------------------------------------------------------------------------------


async def kill_at(world: World, engine: EngineInMemory, step: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rejoin, and be killed at a step. Returns how many steps there were: fewer, if it ended before."""
    joined(world, engine)
    steps = [0]
    try:
        async with trio.open_nursery() as nursery:
            await begin(nursery, world)
            await until(lambda: world.service.sharing.facts.forked == {PROD})
            with killed_at(monkeypatch, step) as steps:
                await world.service.sharing.rejoin(lambda _level, _version: None)
                raise Killed
    except* Killed:
        pass
    return steps[0]


def killed_and_started_again(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: Iterable[int]) -> int:
    """Kill a rejoining at these steps, each in a copy of its own. Returns the last step that there was."""
    engine, one, other, _ = two

    async def make() -> None:
        await fork(two, "MINE=1\n", "MORE=1\n")
        await put(one, "/shop/prod", "LATER=1\n")

    sharing(make, one, other)
    for step in steps:
        there = EngineInMemory()
        there.records = dict(engine.records)
        victim = copied(one, tmp_path / f"killed-{step}")
        last = run(lambda: kill_at(victim, there, step, monkeypatch))  # noqa: B023 - it is called at once
        victim.close()
        again = World(victim.folder, one.keyholder)  # type: ignore[arg-type]
        joined(again, there)

        async def look() -> None:
            if again.service.sharing.facts.unfinished:  # noqa: B023 - as above
                raise AssertionError
            await until(lambda: again.service.sharing.facts.connected)  # noqa: B023
            if again.service.sharing.facts.forked:  # noqa: B023
                await rejoined(again)  # noqa: B023
            await until_equal(there, again)  # noqa: B023
            text = await text_of(again, "/shop/prod")  # noqa: B023
            assert all(f"{name}=1\n" in text for name in ("MINE", "MORE", "LATER", "THEIRS")), step  # noqa: B023
            assert there.versions("/shop/prod") in (5, 8), step  # noqa: B023
            assert not again.service.store.outbox.conflicts()  # noqa: B023

        sharing(look, again)
        again.close()
        if last < step:
            return last
    return step


@pytest.mark.parametrize("steps", [(3, 5), pytest.param(range(1, 100), marks=pytest.mark.soak)], ids=["two", "all"])
def test_a_rejoining_that_is_killed_is_finished_at_the_next_start(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: Iterable[int]
) -> None:
    killed_and_started_again(two, tmp_path, monkeypatch, steps)
