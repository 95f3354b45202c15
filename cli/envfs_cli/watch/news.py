"""News of a view as a daemon sends them, over any number of daemons, one after the other.

Law: a daemon that is gone is looked for again and again. One that refuses is not asked a second time.
"""

import time
from enum import Enum

from envfs.errors import EnvFSError, NotRunning
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.daemon import client, connecting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.client import Link

_AGAIN = 1.0


class Happening(Enum):
    """The kinds of news. `CHANGED`: a reader gets something else."""

    WATCHED = "watched"
    CHANGED = "changed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"


_BY_WORD = {happening.value: happening for happening in Happening}


class News:
    """The news of one level.

    `wanted_at` is when the daemon is to be looked for, 0 if it is there or refuses. `silent_at` is when it is given up.
    """

    def __init__(self, level: str) -> None:
        """Ask the running daemon, and wait until it watches: nothing that comes after is missed.

        Raises:
            NotRunning: there is no daemon
        """
        self._level = level
        self.wanted_at = self.silent_at = 0.0
        self._link: Link | None = client.need_running()
        self._link.begin(control.WatchView(level))
        while not (messages := self._link.come()):
            if messages is None:
                raise NotRunning("the daemon disconnected", "`envfs status` and the daemon's log may say why")
        self.silent_at = time.monotonic() + connecting.PATIENCE

    def sources(self) -> list[int]:
        """Return what to wait on before `hear`."""
        return [] if self._link is None else [self._link.fileno()]

    def hear(self) -> list[Happening]:
        """Return what has happened. A word that is not known is none of it."""
        if self._link is None:
            return []
        self.silent_at = time.monotonic() + connecting.PATIENCE
        try:
            messages = self._link.come()
        except EnvFSError as error:
            self._leave(f"{error.text}: the command goes on, and no change is noticed any more", again=False)
            return []
        if messages is None:
            self._leave("the daemon has gone: the command goes on with what it has", again=True)
            return []
        words = [row.what for row in messages if isinstance(row, control.NewsRow)]
        return [_BY_WORD[word] for word in words if word in _BY_WORD]

    def give_up_silent(self) -> None:
        """Leave a daemon that has said nothing for too long. One that lives says every few seconds that it does."""
        if self._link is not None and time.monotonic() >= self.silent_at:
            self._leave("the daemon does not answer: the command goes on with what it has", again=True)

    def look_for_daemon(self) -> None:
        """Ask a daemon that is back, if it is the time to look. Its first news is that it watches."""
        if not self.wanted_at or time.monotonic() < self.wanted_at:
            return
        self.wanted_at = time.monotonic() + _AGAIN
        try:
            self._link = client.running_daemon()
        except EnvFSError:
            return  # its folder is not as it should be yet
        if self._link is not None:
            self.wanted_at = 0.0
            self.silent_at = time.monotonic() + connecting.PATIENCE
            self._link.begin(control.WatchView(self._level))

    def _leave(self, why: str, *, again: bool) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self.silent_at = 0.0
        self.wanted_at = time.monotonic() + _AGAIN if again else 0.0
        output.note(why)
