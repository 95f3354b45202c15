"""Two machines that share a vault on an engine: what each of them writes, at once and while the engine is away."""

from pathlib import Path

import pytest
import trio

from envfs.core import record
from envfs.errors import StoreUnavailable
from envfs.protocol import control
from tests.component.sharing_engine import joined, line_of, until, until_equal
from tests.component.two_machines import Two, put, sharing, text_of
from tests.component.world import World


def test_what_one_machine_writes_another_one_gets(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await until_equal(engine, one, other)
        assert engine.versions("/shop/prod") == 1  # an engine that is new gets what is there
        version = await put(one, "/shop/prod", "ADDED=1\n")
        assert version == 2
        await until(lambda: other.open_vault.vault.versions("/shop/prod")[-1] == 2)
        assert "ADDED=1" in await text_of(other, "/shop/prod")
        await put(other, "/new/level", "A=1\n")
        await until(lambda: one.open_vault.vault.exists("/new/level"))
        await until_equal(engine, one, other)
        assert await text_of(one, "/new/level") == "A=1\n"
        assert not one.service.sharing.facts.refused

    sharing(script, one, other)


def test_writers_of_one_level_on_two_machines_lose_nothing(two: Two) -> None:
    async def write(world: World, letter: str) -> None:
        for number in range(8):
            await put(world, "/shop/prod", f"{letter}{number}=1\n")

    async def script() -> None:
        async with trio.open_nursery() as nursery:
            for world, letter in zip((two.one, two.other), "AB", strict=True):
                nursery.start_soon(write, world, letter)
        await until_equal(two.engine, two.one, two.other)
        for world in (two.one, two.other):
            text = await text_of(world, "/shop/prod")
            assert all(f"{letter}{number}=1" in text for letter in "AB" for number in range(8))
        assert two.engine.versions("/shop/prod") == 17

    sharing(script, two.one, two.other)


def test_what_is_written_without_the_engine_waits_and_is_merged(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        await put(one, "/shop/prod", "MINE=1\n")
        await put(one, "/shop/prod", "MORE=1\n")
        assert "MINE=1" in await text_of(one, "/shop/prod")  # its reader does not wait
        seen = one.open_vault.vault.memory.get(record.level_stream("/shop/prod"))
        assert seen is None or seen.seq <= 1
        assert len(one.service.store.outbox) == 2
        await put(other, "/shop/prod", "THEIRS=1\n")
        line.away = False
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        for world in (one, other):
            text = await text_of(world, "/shop/prod")
            assert all(name in text for name in ("MINE=1", "MORE=1", "THEIRS=1"))
        assert engine.versions("/shop/prod") == 4
        assert not one.service.store.outbox.conflicts()

    sharing(script, one, other)


def test_a_variable_that_both_changed_is_a_conflict(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        await put(one, "/shop/prod", "PAGER=mine\nB=1\n")
        await put(other, "/shop/prod", "PAGER=theirs\n")
        line.away = False
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        text = await text_of(one, "/shop/prod")
        assert "PAGER=theirs" in text
        assert "B=1" in text
        (conflict,) = one.service.store.outbox.conflicts()
        assert conflict.names == ("PAGER",)
        assert conflict.level == "/shop/prod"

    sharing(script, one, other)


def test_many_versions_that_waited_are_merged_in_a_row(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        for number in range(12):
            await put(one, "/shop/prod", f"MINE{number}=1\n")
        await put(other, "/shop/prod", "THEIRS=1\n")
        line.away = False
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        assert engine.versions("/shop/prod") == 14
        text = await text_of(other, "/shop/prod")
        assert all(f"MINE{number}=1" in text for number in range(12))

    sharing(script, one, other)


def test_a_number_that_is_taken_in_the_middle_of_a_row_is_merged_behind_it(two: Two) -> None:
    engine, one, other, line = two

    async def overtake(key: str) -> None:
        if key == record.record_key("level/shop/prod", 4):
            line.before_put = None
            await put(other, "/shop/prod", "THEIRS=1\n")

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        for number in range(6):
            await put(one, "/shop/prod", f"MINE{number}=1\n")
        line.away, line.before_put = False, overtake
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        assert engine.versions("/shop/prod") == 8
        assert line.before_put is None
        for world in (one, other):
            text = await text_of(world, "/shop/prod")
            assert "THEIRS=1" in text
            assert all(f"MINE{number}=1" in text for number in range(6))

    sharing(script, one, other)


@pytest.mark.parametrize("mine", [True, False], ids=["mine", "theirs"])
def test_a_person_decides_a_conflict(two: Two, *, mine: bool) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        await put(one, "/shop/prod", "PAGER=mine\n")
        await put(other, "/shop/prod", "PAGER=theirs\n")
        line.away = False
        one.service.sharing.wake()
        await until(lambda: bool(one.service.store.outbox.conflicts()))
        await until_equal(engine, one, other)
        assert any("`envfs sync resolve /shop/prod --mine`" in text for text in one.service.problems())
        told = await one.sent(control.DescribeSharing())
        assert [(row.kind, row.names) for row in told.rows if isinstance(row, control.SharingRow)] == [
            ("conflict", ("PAGER",))
        ]
        assert isinstance(await one.ask(control.ResolveConflict("/shop/prod", mine)), control.Done)
        await until_equal(engine, one, other)
        for world in (one, other):
            assert f"PAGER={'mine' if mine else 'theirs'}\n" in await text_of(world, "/shop/prod")
        assert not one.service.store.outbox.conflicts()

    sharing(script, one, other)


def test_comments_that_both_changed_are_a_conflict_of_their_own(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.away = True
        await one.write("/blog", "# mine\nTITLE='My blog'\nA=1\n")
        await other.write("/blog", "# theirs\nTITLE='My blog'\n")
        line.away = False
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        assert await text_of(one, "/blog") == "# theirs\nTITLE='My blog'\nA=1\n"
        refusal = await one.ask(control.ResolveConflict("/blog", mine=True))
        assert isinstance(refusal, control.Failed)
        assert "`envfs sync resolve /blog --theirs`" in refusal.hint
        assert isinstance(await one.ask(control.ResolveConflict("/blog", mine=False)), control.Done)

    sharing(script, one, other)


def test_an_answer_that_was_lost_is_no_second_version(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        line.lost_answers = 1
        assert await put(one, "/shop/prod", "ONCE=1\n") == 2
        await until_equal(engine, one, other)
        assert engine.versions("/shop/prod") == 2

    sharing(script, one, other)


def test_a_key_does_not_wait_for_the_engine(two: Two) -> None:
    async def script() -> None:
        await until_equal(two.engine, two.one, two.other)
        two.line.away = True
        with pytest.raises(StoreUnavailable):
            await put(two.one, "/other/level", "A=1\n")
        assert not two.one.open_vault.vault.exists("/other")

    sharing(script, two.one, two.other)


def test_a_restart_finds_what_waited(two: Two, tmp_path: Path) -> None:
    engine, one, _, line = two

    async def write() -> None:
        await until_equal(engine, one)
        line.away = True
        await put(one, "/shop/prod", "MINE=1\n")

    sharing(write, one)
    again = World(tmp_path, one.keyholder)  # type: ignore[arg-type]
    line = joined(again, engine)

    async def read() -> None:
        assert "MINE=1" in await text_of(again, "/shop/prod")
        again.service.sharing.wake()
        await until_equal(engine, again)
        assert engine.versions("/shop/prod") == 2

    sharing(read, again)
    again.close()


def test_story_15_an_engine_that_lost_its_last_records_is_named_and_given_them_again(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await put(one, "/shop/prod", "A=1\n")
        await until_equal(engine, one, other)
        await until(lambda: bool(one.service.sharing.facts.contact.time))
        lost = engine.records.pop(record.record_key("level/shop/prod", 2))
        one.service.sharing.wake()
        await until(lambda: engine.records.get(record.record_key("level/shop/prod", 2)) == lost)
        assert one.service.sharing.facts.lost.all() == {"level/shop/prod": (2, 1)}

    sharing(script, one, other)


def test_a_record_that_is_none_is_refused_and_told(two: Two) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await until_equal(engine, one, other)
        good = engine.records[record.record_key("level/shop/prod", 1)]
        engine.records[record.record_key("level/shop/prod", 2)] = good
        engine.records[record.record_key("level/shop", 2)] = b"rubbish"
        one.service.sharing.wake()
        await until(lambda: len(one.service.sharing.facts.refused) == 2)
        assert one.service.store.get(record.record_key("level/shop/prod", 2)) is None
        assert "hunter3" in await text_of(one, "/shop/prod")

    sharing(script, one, other)


def test_an_engine_that_names_records_which_it_does_not_give_keeps_no_other_stream_back(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        await until(lambda: bool(one.service.sharing.facts.contact.time))
        engine.records[record.record_key("level/shop/prod", 99_999_999)] = b"rubbish"
        engine.records[record.record_key("level/shop", 2)] = b"rubbish"
        line.asked.clear()
        one.service.sharing.wake()
        await until(lambda: len(one.service.sharing.facts.refused) == 2)
        refusal = one.service.sharing.facts.refused["level/shop/prod"]
        assert refusal.fault == "it names 99999999 records, and does not give @00000002.json"
        await put(other, "/blog", "A=1\n")
        await until(lambda: one.open_vault.vault.versions("/blog")[-1] == 2)
        assert "hunter3" in await text_of(one, "/shop/prod")

    sharing(script, one, other)


def test_versions_are_exchanged_before_a_number_that_is_far_off(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        far = record.record_key("level/shop/prod", 99_999_999)
        engine.records[far] = engine.records[record.record_key("level/shop/prod", 1)]
        line.asked.clear()
        one.service.sharing.wake()
        await until(lambda: "level/shop/prod" in one.service.sharing.facts.refused)
        assert one.service.sharing.facts.behind == 0
        assert line.asked.count("get") <= 8  # bounded, whatever number is named
        await put(one, "/shop/prod", "ADDED=1\n")
        await until(lambda: other.open_vault.vault.versions("/shop/prod")[-1] == 2)
        assert one.service.store.mirror.get(far) is None

    sharing(script, one, other)


def test_status_says_why_changes_come_late(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        await until(lambda: one.service.sharing.facts.connected)
        for text in ("", "nobody tells of news"):
            line.late = text
            report = (await one.sent(control.DescribeSharing())).reply
            assert isinstance(report, control.SharingReport)
            assert (report.state, report.text) == ("connected", text)

    sharing(script, one, other)


def test_reads_never_ask_the_engine(two: Two) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        await until(lambda: one.service.sharing.facts.connected and other.service.sharing.facts.connected)
        line.stuck = True
        line.asked.clear()
        assert "hunter3" in await text_of(one, "/shop/prod")
        assert not line.asked

    sharing(script, one, other)


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_story_14_a_machine_that_was_off_for_many_versions_catches_up_in_one_pass(two: Two, count: int) -> None:
    engine, one, other, line = two

    async def script() -> None:
        await until_equal(engine, one, other)
        away = line_of(other)
        away.away = True
        other.service.sharing.wake()
        await until(lambda: not other.service.sharing.facts.connected)
        line.away = True  # what waits is sent in a row, which is quicker
        for number in range(count):
            await put(one, "/shop/prod", f"N{number}=1\n")
        line.away = False
        one.service.sharing.wake()
        await until_equal(engine, one)
        away.asked.clear()
        away.away = False
        other.service.sharing.wake()
        await until_equal(engine, other)
        assert away.asked.count("get") <= count // 120 + 3  # the comparison, the records, what stands behind a row
        assert f"N{count - 1}=1\n" in await text_of(other, "/shop/prod")

    sharing(script, one, other)
