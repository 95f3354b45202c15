"""Refusals on the log, in bounds: a stranger must not be able to fill the disk that the log needs.

At most `_A_SECOND` for each uid are written as they come; the rest of that second is counted in the uid's next entry.
"""

import time
from collections.abc import Callable

from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.gate.log import AccessLog

_A_SECOND = 50


class Refusals:
    """Writes refusals into `log`, which is opened at the first one."""

    def __init__(self, log: Callable[[], AccessLog]) -> None:
        """Start having counted none."""
        self._log = log
        self._counted: dict[int, tuple[int, int]] = {}

    def record(self, event: Event, caller: Caller) -> None:
        """Write one refusal, or count it.

        Raises:
            AuditUnavailable: the log cannot be written
        """
        second = int(time.monotonic())
        at, count = self._counted.get(caller.uid, (second, 0))
        if at == second and count >= _A_SECOND:
            self._counted[caller.uid] = (at, count + 1)
            return
        held_back = max(0, count - _A_SECOND) if at != second else 0
        self._counted[caller.uid] = (second, 1 if at != second else count + 1)
        self._log().append(event._replace(times=1 + held_back), caller)
