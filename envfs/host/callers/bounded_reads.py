"""Reads of a process's memory, for which the daemon waits for a moment at most.

Laws: such a read can wait for a lock that the process holds for as long as it likes, and nothing ends the wait but the
end of that process. So a thread reads. A user has one thread, and a user whose process lets it wait keeps no other user
waiting. Such a user's processes are not read for a second, and each time that this happens again for twice as long.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

_WAIT_SECONDS, _LEAST_SILENCE, _MOST_SILENCE = 0.02, 1.0, 600.0
MOST_THREADS = 64  # users whose processes let a read wait at the same time. No others are read then
_MOST_SILENCES = 1024


class _Silence(NamedTuple):
    """Until when a user's processes are not read, and for how many seconds that is."""

    until: float
    seconds: float


_NONE = _Silence(0.0, _LEAST_SILENCE / 2)


class BoundedReads:
    """The threads that read, by the uid whose processes they read."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._reading: set[int] = set()
        self._silences: dict[int, _Silence] = {}

    def read(self, uid: int, work: Callable[[], str]) -> str:
        """Return what `work` reads of a process of a user. Empty where that takes too long. `work` never raises."""
        now = time.monotonic()
        is_full = len(self._reading) >= MOST_THREADS
        if uid in self._reading or is_full or self._silences.get(uid, _NONE).until > now:
            return ""
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading.add(uid)
        try:
            threading.Thread(target=self._read, args=(uid, work, answers), name="bounded read", daemon=True).start()
        except RuntimeError:  # no thread can be started
            self._reading.discard(uid)
            return ""
        try:
            text = answers.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            self._be_silent(uid, now)
            return ""
        self._silences.pop(uid, None)
        return text

    def _read(self, uid: int, work: Callable[[], str], answers: "queue.SimpleQueue[str]") -> None:
        text = ""
        try:
            text = work()
        finally:
            self._reading.discard(uid)
            answers.put(text)

    def _be_silent(self, uid: int, now: float) -> None:
        if len(self._silences) >= _MOST_SILENCES:
            self._silences.clear()
        seconds = min(_MOST_SILENCE, 2 * self._silences.get(uid, _NONE).seconds)
        self._silences[uid] = _Silence(now + seconds, seconds)
