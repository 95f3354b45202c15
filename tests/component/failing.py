"""A disk that fails: from a chosen call on, what would change a folder of this process's is refused with an error.

A call is one that lasts: a write, a sync, a new name, one that goes. What a buffer of Python's writes by itself is not
seen, and its file is synced afterwards.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

_BY_HANDLE = ("write", "fsync", "fdatasync", "ftruncate")
_BY_PATH = ("link", "replace", "rename", "unlink", "mkdir", "open")
_NEW = os.O_CREAT | os.O_TMPFILE & ~os.O_DIRECTORY


class Disk:
    """What is below `folder`. `calls` are those that would have lasted, since `fail` was called."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._first, self._last, self._errno = 1 << 60, 0, errno.EIO
        self.calls: list[str] = []

    def fail(self, first: int, number: int, *, once: bool = False) -> None:
        """From the call of this number on, fail with an error; with `once` at this call alone."""
        self._first, self._last, self._errno = first, first if once else 1 << 60, number
        self.calls.clear()

    def heal(self) -> None:
        self._first = 1 << 60

    def _is_ours(self, what: object) -> bool:
        if isinstance(what, int):
            with contextlib.suppress(OSError):
                return os.readlink(f"/proc/self/fd/{what}").startswith(self._folder)
            return False
        return isinstance(what, (str, Path)) and str(what).startswith(self._folder)

    def _count(self, name: str, what: object) -> None:
        self.calls.append(f"{name} {what if isinstance(what, (str, Path)) else ''}")
        if self._first <= len(self.calls) <= self._last:
            raise OSError(self._errno, os.strerror(self._errno), what if isinstance(what, (str, Path)) else None)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look at each call as long as the block lasts."""
        true = {name: getattr(os, name) for name in (*_BY_HANDLE, *_BY_PATH)}
        for name, function in true.items():
            setattr(os, name, self._instead(name, function))
        try:
            yield
        finally:
            for name, function in true.items():
                setattr(os, name, function)

    def _instead(self, name: str, true: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **named: object) -> object:
            place = words[1] if name == "link" else words[0]
            is_new = name != "open" or (isinstance(words[1], int) and bool(words[1] & _NEW))
            if is_new and self._is_ours(place):
                self._count(name, place)
            return true(*words, **named)

        return call
