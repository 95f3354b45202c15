"""A person's own program, started for each alarm with the event on its standard input.

Laws: nothing here waits and nothing raises. The program is started without a shell, if its file and the folders above
are such that no other user could have put it there. So many run at once, wait and are started in a minute, and no more:
others are counted. Nothing of the daemon is handed on but the event: no descriptor and no environment.
"""

import os
import queue
import stat
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

_AT_ONCE, _WAITING, _A_MINUTE = 4, 64, 120
_RUN_SECONDS, _END_SECONDS = 30.0, 2.0
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def untrusted(path: str) -> str:
    """Say why a program must not be started, or return the empty string."""
    try:
        file = Path(path).resolve(strict=True)
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or not status.st_mode & stat.S_IXUSR:
            return "it is no program"
        places = (file, *file.parents, *Path(path).parents)
        return next(filter(None, map(_written_by_others, places)), "")
    except (OSError, RuntimeError, ValueError):
        return "it is not there, or cannot be looked at"


def _written_by_others(place: Path) -> str:
    status = place.stat()
    if status.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to uid {status.st_uid}"
    is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    return f"others may write {place}" if status.st_mode & _OTHERS_WRITE and not is_sticky else ""


class Hook:
    """Starts a program for each event. `problem` says why the last one was not started, `skipped` counts these."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self.problem, self.skipped = "", 0
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue(_WAITING)
        self._threads: list[threading.Thread] = []
        self._minute, self._started = 0, 0

    def start(self, path: str, event: bytes) -> None:
        """Have the program at `path` get one event, a line of JSON."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._started = minute, 0
        self._started += 1
        if self._started > _A_MINUTE:
            self._skip("too many alarms in a minute")
            return
        try:
            self._events.put_nowait((path, event))
            if len(self._threads) < _AT_ONCE:
                thread = threading.Thread(target=self._work, name="hook", daemon=True)
                thread.start()
                self._threads.append(thread)
        except queue.Full:
            self._skip("too many are running")
        except RuntimeError:  # no thread can be started
            self._skip("no thread can be started")

    def close(self) -> None:
        """Wait for a moment until those that wait are started. They run on by themselves."""
        until = time.monotonic() + _END_SECONDS
        while self._threads and self._events.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)

    def _skip(self, problem: str) -> None:
        self.problem = problem
        self.skipped += 1

    def _work(self) -> None:
        while True:
            path, event = self._events.get()
            process = self._begin(path, event)
            self._events.task_done()
            if process is not None:
                _watch(process)

    def _begin(self, path: str, event: bytes) -> "subprocess.Popen[bytes] | None":
        try:
            problem = untrusted(path)
            if problem:
                self._skip(f"{path} is not trusted: {problem}")
                return None
            return _spawn(path, event)
        except (OSError, ValueError) as error:
            self._skip(f"{path} cannot be started: {type(error).__name__}")
            return None


def _spawn(path: str, event: bytes) -> "subprocess.Popen[bytes]":
    memory = os.memfd_create("event", os.MFD_CLOEXEC)
    try:
        os.write(memory, event)
        os.lseek(memory, 0, os.SEEK_SET)
        return subprocess.Popen(
            [path],
            stdin=memory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(memory)


def _watch(process: "subprocess.Popen[bytes]") -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_RUN_SECONDS)
    process.kill()  # one that has ended is left alone
    process.wait()
