"""Refusals on the log, in bounds: a stranger must not be able to fill the disk that the log needs.

At most `_A_SECOND` for each uid are written at once. The rest of that second is written as one entry that counts
them, a second later.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.events import Event
from envfs.gate.audit_log.log import AccessLog

_A_SECOND = 500


class _HeldBack(NamedTuple):
    """The last refusal that was not written, and for how many it stands."""

    event: Event
    caller: Caller
    times: int


class Refusals:
    """Writes refusals into `log`, which is opened at the first one."""

    def __init__(self, log: Callable[[], AccessLog]) -> None:
        """Start having counted none."""
        self._log = log
        self._second = 0
        self._written: dict[int, int] = {}
        self._held_back: dict[int, _HeldBack] = {}

    def record(self, event: Event, caller: Caller) -> None:
        """Write one refusal, or count it.

        Raises:
            AuditUnavailable: the log cannot be written
        """
        self.flush()
        written = self._written.get(caller.uid, 0)
        if written >= _A_SECOND:
            held_back = self._held_back.get(caller.uid)
            self._held_back[caller.uid] = _HeldBack(event, caller, held_back.times + 1 if held_back else 1)
            return
        self._written[caller.uid] = written + 1
        self._log().append(event, caller)

    def flush(self, *, is_end: bool = False) -> None:
        """Write what was counted, once its second is over, or at the end. Called for each refusal and once a second.

        Raises:
            AuditUnavailable: the log cannot be written
        """
        second = int(time.monotonic())
        if second == self._second and not is_end:
            return
        self._second = second
        self._written.clear()
        for uid, (event, caller, times) in tuple(self._held_back.items()):
            self._log().append(event._replace(times=times), caller)
            del self._held_back[uid]  # not before: where the log cannot be written, they are written later
