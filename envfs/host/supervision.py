"""Tasks that keep their faults to themselves: the only way in which the daemon starts one (a test proves it).

Laws: a surprise in a task is reported by type and place, and ends or restarts that task alone. No task can end the
nursery that it runs in. A cancellation, which ends a task from outside, goes through.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVarTuple, Unpack

import trio

from envfs.host import surprises

T = TypeVarTuple("T")
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_CALM = 60.0  # a task that ran for so long failed for another reason than the last time


class Tasks:
    """A nursery whose tasks cannot end each other."""

    def __init__(self, nursery: trio.Nursery) -> None:
        """Run tasks in `nursery`."""
        self._nursery = nursery

    def run(self, task: Callable[[Unpack[T]], Awaitable[object]], *args: *T) -> None:
        """Start a task that is run once: if it fails, it has ended."""
        self._nursery.start_soon(partial(run_once, task, *args))

    def keep(self, task: Callable[[Unpack[T]], Awaitable[object]], *args: *T) -> None:
        """Start a task that is to go on: if it fails, it is started again, after a pause that grows."""
        self._nursery.start_soon(partial(run_restarted, task, *args))

    def start_soon(self, task: Callable[[Unpack[T]], Awaitable[object]], *args: *T, name: object = None) -> None:
        """As `keep`, under the name that a library knows from trio's own nursery."""
        self._nursery.start_soon(partial(run_restarted, task, *args), name=name)

    def cancel(self) -> None:
        """End all tasks, and with them the block that `supervised` opened."""
        self._nursery.cancel_scope.cancel()


@asynccontextmanager
async def supervised_nursery() -> AsyncIterator[Tasks]:
    """Open a nursery for the block. An error of the block itself comes out as it is."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield Tasks(nursery)
        except Exception as error:  # noqa: BLE001 - raised below, outside of the nursery, which would wrap it
            failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def run_in_background(task: Callable[[Unpack[T]], Awaitable[object]], *args: *T) -> None:
    """Start a task that belongs to no block: one that serves an object, and ends with it, or with the loop.

    As with `Tasks.run`, it is run once.
    """
    trio.lowlevel.spawn_system_task(partial(run_once, task, *args))


async def run_once(task: Callable[[Unpack[T]], Awaitable[object]], *args: *T) -> None:
    """Run a task here, once: a surprise ends it, and whatever follows goes on."""
    try:
        await task(*args)
    except Exception as error:  # noqa: BLE001 - this is where a surprise ends
        surprises.report_bug(error)


async def run_restarted(task: Callable[[Unpack[T]], Awaitable[object]], *args: *T) -> None:
    """Run a task here until it ends by itself: if it fails, it is started again, after a pause that grows."""
    pause = 0.0
    while True:
        begun = trio.current_time()
        try:
            if pause:
                await trio.sleep(pause)
            await task(*args)
        except Exception as error:  # noqa: BLE001 - this is where a surprise ends
            surprises.report_bug(error)
        else:
            return
        calm = trio.current_time() - begun > _CALM
        pause = _PAUSE if calm or not pause else min(2 * pause, _LONGEST_PAUSE)
