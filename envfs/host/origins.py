"""The origins of callers, read from /proc while they wait, for the access log.

Laws: nothing here raises, and nothing decides by it. It is believed for a second for a process with the same uid and
executable. A process that has ended by then keeps what was seen of it.
"""

import os
import time
from typing import NamedTuple

from envfs.core import origin
from envfs.core.access.caller import Caller
from envfs.core.origin import UNSEEN, Origin
from envfs.host.command_lines import CommandLines
from envfs.host.evidence.units import unit_of

_ANCESTORS = 8
_REMEMBERED = 256
_NAMED = 6  # the fields of a caller that tell two apart, without the source of more evidence
_TRUSTED_NS = 1_000_000_000


class _Seen(NamedTuple):
    caller: Caller
    origin: Origin
    looked_ns: int


class _Process(NamedTuple):
    command: str
    parent: int
    session: int


class Origins:
    """Looks at the origins of callers, and remembers the last ones."""

    def __init__(self) -> None:
        """Start having seen nobody."""
        self._seen: dict[int, _Seen] = {}
        self._command_lines = CommandLines()

    def look(self, caller: Caller) -> Origin:
        """Return where a caller comes from."""
        seen = self._seen.get(caller.pid)
        now_ns = time.monotonic_ns()
        if seen is not None and (seen.caller is caller or seen.caller[:_NAMED] == caller[:_NAMED]):
            if now_ns - seen.looked_ns < _TRUSTED_NS:
                return seen.origin
        elif caller.unknown:
            return UNSEEN
        else:
            seen = None
        fresh = self._describe(caller) or (seen.origin if seen else UNSEEN)
        if len(self._seen) >= _REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        self._seen[caller.pid] = _Seen(caller, fresh, now_ns)
        return fresh

    def close(self) -> None:
        """Look at nobody any more, until somebody asks."""
        self._command_lines.close()

    def _describe(self, caller: Caller) -> Origin | None:
        process = _read(caller.pid)
        if process is None:
            return None
        script = self._command_lines.script(caller.pid, caller.uid, caller.executable)
        name = origin.own_name(caller.executable, process.command) if caller.executable else process.command
        return Origin(script, name, _ancestors(process.parent), process.session, unit_of(caller.cgroup))


def _ancestors(pid: int) -> tuple[str, ...]:
    names: list[str] = []
    while pid > 0 and len(names) < _ANCESTORS and (process := _read(pid)) is not None:
        names.append(origin.ancestor(_executable(pid), process.command))
        pid = process.parent
    return tuple(names)


def _read(pid: int) -> _Process | None:
    # comm is in brackets and may hold any byte but a NUL: what comes behind the last bracket is numbers (proc(5))
    try:
        handle = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(handle, 4096)
        finally:
            os.close(handle)
    except OSError:
        return None
    head, _, numbers = data.rpartition(b") ")
    fields = numbers.split()
    return _Process(os.fsdecode(head.partition(b" (")[2]), int(fields[1]), int(fields[3]))


def _executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""  # another user's, or a thread of the kernel
