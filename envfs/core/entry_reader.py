"""Reads entries of the access log, of which most differ from one before by their number, time and hash alone.

Law: what is read is what `audit.parse_log_entry` reads. A line of another shape than the one that `audit` writes goes
that way.
"""

import re
from typing import NamedTuple

from envfs.core import audit
from envfs.errors import LogBroken

_HEAD = re.compile(rb'\{"seq":\d{1,18},"time":"([0-9T:.Z-]{27})",')
_TAIL = re.compile(rb',"prev":"[0-9a-f]{64}"\}\n')
_TAIL_BYTES = len(',"prev":""}\n') + 64
_OWN = ("seq", "time", "prev")
_KEPT = 4096


class LoggedEntry(NamedTuple):
    """An entry: its time in UTC, and all of it but number, time and hash. Equal entries have the same object there."""

    time: str
    body: dict[str, object]


class EntryReader:
    """Reads lines one by one."""

    def __init__(self) -> None:
        """Remember none yet."""
        self._bodies: dict[bytes, dict[str, object]] = {}

    def read(self, line: bytes) -> LoggedEntry | None:
        """Read one line. None: it is no entry."""
        head = _HEAD.match(line)
        if head is None or _TAIL.fullmatch(line, len(line) - _TAIL_BYTES) is None:
            return _whole(line)
        middle = line[head.end() : -_TAIL_BYTES]
        body = self._bodies.get(middle)
        if body is None:
            entry = _whole(line)
            if entry is None:
                return None
            if len(self._bodies) >= _KEPT:
                self._bodies.clear()
            body = self._bodies[middle] = entry.body
        return LoggedEntry(head[1].decode(), body)


def _whole(line: bytes) -> LoggedEntry | None:
    try:
        body = audit.parse_log_entry(line, 0)
    except LogBroken:
        return None
    return LoggedEntry(str(body.get("time", "")), {name: value for name, value in body.items() if name not in _OWN})
