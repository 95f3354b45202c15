"""Bytes between two streams, both ways, until one side ends and the other has had its say."""

from typing import Final

import trio

from envfs.host.supervision import supervised_nursery
from envfs.proxy.records import receive

IDLE_SECONDS: Final = 600.0


async def relay(one: trio.abc.Stream, other: trio.abc.Stream) -> None:
    """Pass bytes on between two streams, and close both at the end."""
    last = LastMoved()
    async with supervised_nursery() as tasks:
        tasks.run(_pass_on, one, other, last)
        await _pass_on(other, one, last)
    await trio.aclose_forcefully(one)
    await trio.aclose_forcefully(other)


class LastMoved:
    """The moment of the last byte, in either direction."""

    def __init__(self) -> None:
        """Begin now."""
        self.moment = trio.current_time()


async def _pass_on(source: trio.abc.Stream, target: trio.abc.Stream, last: LastMoved) -> None:
    try:
        while data := await next_bytes(source, last):
            await target.send_all(data)
            last.moment = trio.current_time()
        if isinstance(target, trio.abc.HalfCloseableStream):
            await target.send_eof()
            return
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    await trio.aclose_forcefully(target)


async def next_bytes(source: trio.abc.Stream, last: LastMoved) -> bytes:
    """Return what comes next. Nothing at its end, and if neither direction has moved for long."""
    while True:
        with trio.move_on_at(last.moment + IDLE_SECONDS):
            return await receive(source)
        if trio.current_time() >= last.moment + IDLE_SECONDS:
            return b""
