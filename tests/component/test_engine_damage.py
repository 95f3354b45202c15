"""Damage at an engine: rubbish in the place of a record, and a record that is named and not given. Each is told."""

import pytest

from envfs.core import record
from envfs.protocol import control
from tests.component.sharing_engine import until, until_equal
from tests.component.two_machines import Two, put, sharing, text_of
from tests.component.world import World

_PROD = "level/shop/prod"


async def _rows(world: World) -> list[control.SharingRow]:
    sent = await world.sent(control.DescribeSharing())
    return [row for row in sent.rows if isinstance(row, control.SharingRow)]


@pytest.mark.parametrize("stream", [_PROD, record.MEMBERS, "key/shop"])
def test_rubbish_is_named_with_the_engine_and_what_ends_it(two: Two, stream: str) -> None:
    engine, one, other, _ = two

    async def script() -> None:
        await until_equal(engine, one, other)
        facts, number = one.service.sharing.facts, one.service.open_vault.vault.last(stream) + 1
        key = record.record_key(stream, number)
        engine.records[key] = b"rubbish"
        one.service.sharing.wake()
        await until(lambda: stream in facts.refused)
        [row] = [row for row in await _rows(one) if row.kind == "refused"]
        assert f"Nothing behind {key} at folder:/engine is taken. If each machine says so, " in row.text
        assert row.text.endswith(f"its administrator removes it: `rm /engine/{key}`")
        assert any(row.text in problem for problem in one.service.problems())
        await put(one, "/blog", "A=1\n")  # no other stream waits for it
        await until(lambda: other.open_vault.vault.versions("/blog")[-1] == 2)
        del engine.records[key]
        one.service.sharing.wake()
        await until(lambda: not facts.refused)
        await put(one, "/shop/prod", "AFTER=1\n")
        await until_equal(engine, one, other)
        assert "AFTER=1" in await text_of(other, "/shop/prod")

    sharing(script, one, other)


def test_a_version_whose_number_was_given_away_for_nothing_is_not_lost(two: Two) -> None:
    engine, one, other, line = two
    key = record.record_key(_PROD, 2)

    async def script() -> None:
        await until_equal(engine, one, other)
        await put(other, "/shop/prod", "THEIRS=1\n")
        line.withheld.add(key)
        assert await put(one, "/shop/prod", "MINE=1\n") == 2
        assert len(one.service.store.outbox) == 1
        assert "MINE=1" in await text_of(one, "/shop/prod")
        one.service.sharing.wake()
        await until(lambda: _PROD in one.service.sharing.facts.refused)
        [row] = [row for row in await _rows(one) if row.kind == "refused"]
        assert "does not give @00000002.json" in row.text
        assert "`envfs store push folder:/engine` on a machine that has it brings it back" in row.text
        await put(one, "/blog", "A=1\n")
        await until(lambda: other.open_vault.vault.versions("/blog")[-1] == 2)
        assert len(one.service.store.outbox) == 1
        line.withheld.clear()
        one.service.sharing.wake()
        await until_equal(engine, one, other)
        for world in (one, other):
            assert {"MINE=1", "THEIRS=1"} <= {*(await text_of(world, "/shop/prod")).split()}

    sharing(script, one, other)
