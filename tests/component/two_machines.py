"""Two machines that share a vault on one engine in memory, and what tests do with them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import trio

from envfs.protocol import control
from tests.component.sharing_engine import EngineInMemory, Line, begin
from tests.component.world import World, run


class Two(NamedTuple):
    """Two machines with one vault and one engine, and the way of the first one to that."""

    engine: EngineInMemory
    one: World
    other: World
    line: Line


def sharing(script: Callable[[], Awaitable[None]], *worlds: World) -> None:
    """Run a script while worlds share."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, *worlds)
            await script()
            nursery.cancel_scope.cancel()

    run(main)


async def text_of(world: World, level: str) -> str:
    """Return a level's own text."""
    replied = await world.sent(control.ReadView(level, "own", "show"))
    assert isinstance(replied.reply, control.ViewSent), replied.reply
    return replied.blob.decode()


async def put(world: World, level: str, text: str) -> int:
    """Set the variables of a text."""
    return await world.write(level, text, "merge")
