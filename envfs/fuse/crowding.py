"""The kernel is made to forget files when it holds many of them: each costs this process memory, used or not.

By itself it forgets them when the machine is short of memory, so one reader who lists a long history would have this
process remember all of it.

Laws: no folder is forgotten, since one may be stood in or mounted on, nor a file that is open. The kernel is told by a
thread, as it may wait for a listing of the folder, which waits for the loop.
"""

from contextlib import suppress
from typing import NoReturn

import pyfuse3
import trio

from envfs.fuse.held_files import HeldFiles

MOST = 20_000  # files that the kernel may hold: about 15 MiB here
_LOOK_AGAIN = 0.5


class Crowding:
    """Watches how many files the kernel holds of one mount."""

    def __init__(self, held: HeldFiles, most: int = MOST) -> None:
        """Leave the kernel about `most` of the files that are `held`."""
        self._held = held
        self._most = most

    async def run(self) -> NoReturn:
        """Look now and then for ever."""
        while True:
            await trio.sleep(_LOOK_AGAIN)
            places = self._held.beyond(self._most)
            if places:
                await trio.to_thread.run_sync(_forget, places, abandon_on_cancel=True)


def _forget(places: list[tuple[int, bytes]]) -> None:
    for folder, name in places:
        with suppress(OSError):  # the kernel has forgotten it by itself
            pyfuse3.invalidate_entry(folder, name)
