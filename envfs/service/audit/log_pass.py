"""One pass over the whole access log, some lines at a time, in threads: the daemon serves meanwhile."""

from collections.abc import Callable
from itertools import islice

import trio

from envfs.gate.audit_log.log import AccessLog
from envfs.service.progress import Progress

_LINES_AT_ONCE = 256


async def pass_over(log: AccessLog, progress: Progress, *takers: Callable[[bytes], None]) -> None:
    """Give each line of the log up to its end of now to each taker, the oldest first."""
    lines = log.newest(0)

    def take() -> int:
        some = list(islice(lines, _LINES_AT_ONCE))
        for taker in takers:
            for line in some:
                taker(line)
        return len(some)

    while count := await trio.to_thread.run_sync(take):
        await progress.advance(count)
