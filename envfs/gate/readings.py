"""The last readings of each process: what it got, of which version, and when. For the question who reads a level.

Laws: so many are kept and no more, the oldest go first. Nothing is decided by them, and no value is in them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access_request import AccessRequest
from envfs.host.callers.callers import kept_caller

_MOST, _MOST_SHARED = 2048, 64


class LevelReading(NamedTuple):
    """A caller got what it asked for, of that version, so many seconds after the machine's start."""

    caller: Caller
    request: AccessRequest
    version: int
    seconds: float


class Readings:
    """Remembers the last readings, one for each process, request and version."""

    def __init__(self) -> None:
        """Start with none."""
        self._requests: dict[AccessRequest, AccessRequest] = {}  # most processes ask for the same
        self._callers: dict[tuple[object, ...], Caller] = {}  # and differ by their numbers alone
        self._last: dict[tuple[int, int, AccessRequest, int], tuple[Caller, float]] = {}

    def __iter__(self) -> Iterator[LevelReading]:
        """Return them, in no order."""
        for (_, pid, request, version), (caller, seconds) in [*self._last.items()]:
            yield LevelReading(caller._replace(pid=pid), request, version, seconds)

    def note(self, caller: Caller, request: AccessRequest, version: int, seconds: float) -> None:
        """Note one."""
        last = self._last
        key = caller.uid, caller.pid, request, version
        if key not in last:
            if len(last) >= _MOST:
                self._forget_older_half()
            key = caller.uid, caller.pid, self._shared(request), version
        last[key] = self._without_pid(kept_caller(caller)), seconds  # not with all that it could tell

    def _shared(self, request: AccessRequest) -> AccessRequest:
        if len(self._requests) >= _MOST_SHARED:
            self._requests.clear()
        return self._requests.setdefault(request, request)

    def _without_pid(self, caller: Caller) -> Caller:
        # one for all processes that differ by that alone, unless something was seen of this one
        if caller.source is not None:
            return caller
        fields = caller[:2] + caller[3:]
        shared = self._callers.get(fields)
        if shared is None:
            if len(self._callers) >= _MOST_SHARED:
                self._callers.clear()
            shared = self._callers[fields] = caller._replace(pid=0)
        return shared

    def _forget_older_half(self) -> None:
        newest = sorted(self._last.items(), key=lambda reading: reading[1][1])[_MOST // 2 :]
        self._last.clear()
        self._last.update(newest)
