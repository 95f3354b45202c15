"""The daemon's state is told as it changes, to each user what they may know."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio
import trio.testing

from envfs.core.scope import Scope
from envfs.protocol import framing, wire
from envfs.protocol.control import Done, Status, StatusReport, StatusRow, WatchStatus
from tests.component.world import ME, STRANGER, Client, World, run

_Talk = Callable[[Client], Awaitable[None]]


def watching(world: World, script: _Talk, caller: object = ME) -> None:
    """Run a script with a client that watches, in a daemon that goes on."""

    async def begun(client: Client) -> None:
        await client.send(framing.encode_frame(wire.to_body(WatchStatus())))
        await script(client)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.open_vault.changes.run)
            await trio.testing.wait_all_tasks_blocked()
            await world.talk(begun, caller)  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()

    run(main)


async def row_of(client: Client) -> StatusRow:
    with trio.fail_after(60):
        found = await client.message()
    assert found is not None
    assert isinstance(found[0], StatusRow)
    return found[0]


def choose_engine(world: World) -> None:
    Path(world.service.places.settings).write_text('[store]\nengine = "folder:/nowhere/engine"\n', encoding="utf-8")


def test_a_lock_is_told_as_it_happens(world: World) -> None:
    async def script(client: Client) -> None:
        first = await row_of(client)
        assert (first.audience, first.unlocked, first.locked, first.engine) == ("owner", True, (), "")
        world.service.locks.locked(Scope("/blog"), closed=True)
        assert (await row_of(client)).locked == ("/blog",)
        world.service.locks.lost()
        last = await row_of(client)
        assert not last.unlocked
        assert any("is locked" in problem for problem in last.problems)

    watching(world, script)


def test_the_next_request_ends_a_watch_and_is_answered(world: World) -> None:
    async def script(client: Client) -> None:
        await row_of(client)
        await client.send(framing.encode_frame(wire.to_body(Status())))
        with trio.fail_after(60):
            replies = [await client.message(), await client.message()]
        assert [type(found[0]) for found in replies if found] == [Done, StatusReport]

    watching(world, script)


def test_an_engine_that_is_lost_is_told(world: World) -> None:
    async def script(client: Client) -> None:
        assert (await row_of(client)).engine == ""
        choose_engine(world)
        world.service.sharing.wake()
        assert (await row_of(client)).engine == "connecting"
        world.service.sharing.facts.problem = "gone"
        world.service.sharing.wake()
        assert (await row_of(client)).engine == "away"

    watching(world, script)


def test_a_user_with_a_rule_learns_whether_it_is_unlocked_and_a_stranger_that_it_runs(world: World) -> None:
    async def as_approved(client: Client) -> None:
        assert await row_of(client) == StatusRow("approved", unlocked=True)
        world.service.locks.lost()
        assert await row_of(client) == StatusRow("approved", unlocked=False)

    async def as_stranger(client: Client) -> None:
        assert await row_of(client) == StatusRow("other")

    watching(world, as_stranger, STRANGER)
    world.allow(("/", ME.uid), ("/shop", STRANGER.uid))
    watching(world, as_approved, STRANGER)
