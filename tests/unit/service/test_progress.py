"""How far a request is: told now and then, and not at all where it is quick."""

from itertools import pairwise

import trio
from trio.testing import MockClock

from envfs.protocol.control import ProgressRow
from envfs.service.progress import Progress


def test_what_is_quick_tells_nothing_and_what_is_long_not_each_step() -> None:
    told: list[ProgressRow] = []

    async def tell(row: ProgressRow) -> None:
        told.append(row)

    async def main() -> None:
        progress = Progress(tell, 1000)
        await progress.advance(100)
        assert told == []
        for _ in range(20):
            await trio.sleep(0.1)
            await progress.advance(10)
        await trio.sleep(1)
        await progress.advance(10_000)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert told[-1] == ProgressRow(1000, 1000)
    assert 3 <= len(told) <= 5
    assert all(before.done < row.done for before, row in pairwise(told))
