"""How trio waits for libpq: psycopg's generators say what they wait for, and it is waited for here.

Law: a wait can be cancelled at any moment. The connection is then in an unclear state, and its owner drops it.
"""

from collections.abc import Generator
from typing import TypeVar, cast

import trio
from psycopg.waiting import Ready, Wait

from envfs.host.supervision import supervised_nursery

T = TypeVar("T")


async def drive_connecting(steps: Generator[tuple[int, Wait], Ready | int, T]) -> T:
    """Run the steps of an attempt to connect, whose descriptor may change."""
    try:
        descriptor, wait = next(steps)
        while True:
            descriptor, wait = steps.send(await _ready(descriptor, wait))
    except StopIteration as end:
        return cast("T", end.value)


async def drive(steps: Generator[Wait, Ready | int, T], descriptor: int) -> T:
    """Run the steps of an exchange on a connection that stands."""
    try:
        wait = next(steps)
        while True:
            wait = steps.send(await _ready(descriptor, wait))
    except StopIteration as end:
        return cast("T", end.value)


async def _ready(descriptor: int, wait: Wait) -> Ready:
    if wait == Wait.R:
        await trio.lowlevel.wait_readable(descriptor)
        return Ready.R
    if wait == Wait.W:
        await trio.lowlevel.wait_writable(descriptor)
        return Ready.W
    return await _either(descriptor)


async def _either(descriptor: int) -> Ready:
    ready = list[Ready]()

    async def wait_readable() -> None:
        await trio.lowlevel.wait_readable(descriptor)
        ready.append(Ready.R)
        tasks.cancel()

    async with supervised_nursery() as tasks:
        tasks.run(wait_readable)
        await trio.lowlevel.wait_writable(descriptor)
        ready.append(Ready.W)
        tasks.cancel()
    return ready[0] if len(ready) == 1 else Ready.RW
