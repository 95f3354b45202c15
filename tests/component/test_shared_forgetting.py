"""What one machine forgets of a shared vault: it leaves the engine and the other machines, or is told to be left."""

from pathlib import Path

from envfs.core import record
from envfs.protocol import control
from tests.component.sharing_engine import copied, joined, until, until_equal
from tests.component.two_machines import Two, put, sharing, text_of
from tests.component.world import World

LEVEL = "/shop/prod"
FIRST, SECOND = (record.record_key(record.level_stream(LEVEL), seq) for seq in (1, 2))


async def forget(world: World) -> tuple[str, ...]:
    """Forget all versions of the level but the newest. Return the notes."""
    reply = (await world.sent(control.ForgetVersions(LEVEL))).reply
    assert isinstance(reply, control.VersionsForgotten), reply
    return reply.notes


async def written_twice(pair: Two) -> None:
    await until_equal(pair.engine, pair.one, pair.other)
    await put(pair.one, LEVEL, "SECOND=2\n")
    await until_equal(pair.engine, pair.one, pair.other)
    assert pair.engine.records[FIRST]


async def faults(world: World) -> list[object]:
    rows = (await world.sent(control.VerifyVault())).rows
    return [row for row in rows if isinstance(row, control.FaultRow)]


def test_what_is_forgotten_leaves_the_engine_and_the_other_machine(two: Two) -> None:
    async def script() -> None:
        await written_twice(two)
        assert await forget(two.one) == ()
        assert two.engine.records[FIRST] == b""
        assert two.engine.records[SECOND]
        await until(lambda: two.other.service.store.mirror.get(FIRST) == b"")
        await until_equal(two.engine, two.one, two.other)
        assert "SECOND=2" in await text_of(two.other, LEVEL)
        for world in (two.one, two.other):
            assert not await faults(world)
            assert not world.service.sharing.problems()
        await put(two.other, LEVEL, "THIRD=3\n")
        await until_equal(two.engine, two.one, two.other)

    sharing(script, two.one, two.other)


def test_an_engine_that_lets_nobody_erase_is_told_of_and_the_machines_forget(two: Two) -> None:
    two.line.may_erase = False
    joined(two.other, two.engine).may_erase = False

    async def script() -> None:
        await written_twice(two)
        [note] = await forget(two.one)
        assert note == "the engine lets this member erase nothing, and still has 1 forgotten record, sealed"
        [row] = (await two.one.sent(control.DescribeSharing())).rows
        assert isinstance(row, control.SharingRow)
        assert row[:2] == ("left", "level/shop/prod")
        assert row.text == note
        assert two.engine.records[FIRST]
        await until(lambda: two.other.service.store.mirror.get(FIRST) == b"")
        for world in (two.one, two.other):
            assert not await faults(world)
            assert not world.service.sharing.problems()

    sharing(script, two.one, two.other)


def test_an_erasure_that_failed_is_made_up_for(two: Two) -> None:
    two.line.lost_erasures = 1
    joined(two.other, two.engine).may_erase = False

    async def script() -> None:
        await written_twice(two)
        await forget(two.one)
        two.one.service.sharing.wake()
        await until(lambda: two.engine.records[FIRST] == b"")

    sharing(script, two.one, two.other)


def test_a_new_machine_keeps_nothing_of_what_an_engine_still_has(two: Two, tmp_path: Path) -> None:
    two.line.may_erase = False
    joined(two.other, two.engine).may_erase = False
    late = copied(two.one, tmp_path / "late")
    joined(late, two.engine).may_erase = False

    async def script() -> None:
        await written_twice(two)
        await forget(two.one)

    async def come_late() -> None:
        await until(lambda: late.open_vault.vault.versions(LEVEL)[-1] == 2)
        await until(lambda: late.service.store.mirror.get(FIRST) == b"")
        assert not await faults(late)

    sharing(script, two.one, two.other)
    sharing(come_late, late)
    late.close()


def test_a_key_that_was_replaced_leaves_the_engine(two: Two) -> None:
    async def script() -> None:
        await until_equal(two.engine, two.one, two.other)
        old = "key/shop/@00000001.age"
        assert two.engine.records[old]
        await two.one.sent(control.RotateKey("shop"))
        await until(lambda: two.engine.records[old] == b"")
        await until(lambda: two.other.open_vault.vault.last("key/shop") == 2)
        assert await text_of(two.other, LEVEL)

    sharing(script, two.one, two.other)
