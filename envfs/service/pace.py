"""One step of one connection in each turn of the daemon's loop, the fair one.

A step is what a connection does between two waits: a request taken from the socket and answered as far as that goes
without waiting, or a piece of an answer handed to the socket. So whoever asks anything else of the daemon, and first of
all the kernel for the mount, waits for one step and not for those of all connections.

Law: a step is passed on as soon as it begins, and the next one is in the next turn of the loop, so that nothing which
happens within a step, and no wait, can hold it.
"""

import trio

from envfs.gate.fair_queue import Asker, FairQueue


class Pace:
    """Whose step is next, among the connections that are ready for one."""

    def __init__(self) -> None:
        """Start with nobody ready."""
        self._ready: FairQueue[trio.Event] = FairQueue()
        self._goes = False

    async def wait_turn(self, asker: Asker) -> None:
        """Wait until it is the turn of the one who asks."""
        if not self._goes:
            self._goes = True
            try:
                await trio.lowlevel.checkpoint()
            finally:
                self._pass_on()
            return
        granted = trio.Event()
        self._ready.add(asker, granted)
        try:
            await granted.wait()
        finally:
            if granted.is_set():
                self._pass_on()
            else:
                self._ready.remove(asker, granted)

    def _pass_on(self) -> None:
        # whoever it is runs in the next turn of the loop, after all that has become ready meanwhile was looked at
        following = self._ready.take()
        if following is None:
            self._goes = False
        else:
            following[1].set()
