"""The script of a caller for the access log, from its command line, which is memory of the caller's.

Laws: to read such memory can wait for a lock that another thread of that process holds, while that thread waits for
this daemon. So a thread reads it, and the daemon waits for a moment at most. A user whose process let it wait is not
looked at for a second, and each time that this happens again for twice as long. A word is only returned if it names a
file: no code and no secret of a command line gets into the log.
"""

import os
import queue
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from envfs.host.evidence.script_words import Told, script_word

_BYTES = 16 << 10
_WAIT_SECONDS, _LEAST_SILENCE, _MOST_SILENCE = 0.02, 1.0, 600.0
_MOST_USERS = 1024


class _Silence(NamedTuple):
    """Until when a user's processes are not looked at, and for how many seconds that is."""

    until: float
    seconds: float


_NONE = _Silence(0.0, _LEAST_SILENCE / 2)


class CommandLines:
    """Reads command lines in a thread of its own, one at a time. `read` is asked there."""

    def __init__(self, read: Callable[[int, str], str] | None = None) -> None:
        """Start no thread yet."""
        self._read = read or script_of
        self._questions: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._silences: dict[int, _Silence] = {}
        self._is_busy = False

    def script(self, pid: int, uid: int, executable: str) -> str:
        """Return the path of the script that a process runs. Empty where there is none, or it cannot be told."""
        now = time.monotonic()
        is_program = script_word(os.fsencode(executable), []) is Told.NO_SCRIPT  # and no interpreter
        if is_program or self._is_busy or self._silences.get(uid, _NONE).until > now:
            return ""
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._ask(lambda: self._answer(answers, pid, executable))
            text = answers.get(timeout=_WAIT_SECONDS)
        except RuntimeError:  # no thread can be started
            return ""
        except queue.Empty:
            self._be_silent(uid, now)
            return ""
        self._silences.pop(uid, None)
        return text

    def close(self) -> None:
        """Let the thread end."""
        if self._thread is not None:
            self._questions.put(None)
            self._thread = None

    def _be_silent(self, uid: int, now: float) -> None:
        if len(self._silences) >= _MOST_USERS:
            self._silences.clear()
        seconds = min(_MOST_SILENCE, 2 * self._silences.get(uid, _NONE).seconds)
        self._silences[uid] = _Silence(now + seconds, seconds)

    def _ask(self, question: Callable[[], None]) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="command lines", daemon=True)
            thread.start()
            self._thread = thread
        self._is_busy = True
        self._questions.put(question)

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            question()

    def _answer(self, answers: "queue.SimpleQueue[str]", pid: int, executable: str) -> None:
        text = self._read(pid, executable)
        self._is_busy = False
        answers.put(text)


def script_of(pid: int, executable: str) -> str:
    """Return the script of a process, or nothing. This may wait."""
    with suppress(OSError, ValueError):
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            text = file.read(_BYTES) or b""
        word = script_word(os.fsencode(executable), text.split(b"\0")[:-1])
        if not isinstance(word, Told):
            path = os.path.normpath(os.path.join(os.readlink(f"/proc/{pid}/cwd"), os.fsdecode(word)))
            return path if stat.S_ISREG(os.stat(path).st_mode) else ""
    return ""
