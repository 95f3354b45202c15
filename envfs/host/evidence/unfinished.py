"""The exception of evidence that would have to be waited for."""

import weakref
from collections.abc import Callable
from contextvars import ContextVar

has_time: ContextVar[bool] = ContextVar("has_time", default=True)  # whether the one who asks can wait, and ask again


class Unfinished(Exception):
    """Something that takes its time has to be read first: `finish` does it, in a thread. Then the question is repeated.

    A descriptor is held for that until it is done, or until this exception is gone.
    """

    def __init__(self, work: Callable[[], object], let_go: Callable[[], object]) -> None:
        """Let `work` be done once, and then `let_go`."""
        super().__init__()
        self._work = work
        self._let_go = weakref.finalize(self, let_go)

    def finish(self) -> None:
        """Do the work."""
        try:
            if self._let_go.alive:
                self._work()
        finally:
            self._let_go()
