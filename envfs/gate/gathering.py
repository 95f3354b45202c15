"""Evidence that takes its time is gathered by threads, while the caller waits and everybody else is answered.

Laws: so many threads at once and no more, and no caller waits for longer than a limit. A question is repeated from its
beginning afterwards, so nothing is decided by what was seen before the wait.
"""

import trio

from envfs.host.evidence.unfinished import Unfinished

_SECONDS = 5.0
_limiter = trio.CapacityLimiter(4)


async def finish_gathering(unfinished: Unfinished) -> None:
    """Let something be read that a decision needs. The question is repeated after it, whether that was in time or not.

    A source of evidence does without it in the end.
    """
    with trio.move_on_after(_SECONDS):
        await trio.to_thread.run_sync(unfinished.finish, abandon_on_cancel=True, limiter=_limiter)
