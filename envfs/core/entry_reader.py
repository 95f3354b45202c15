"""Reads entries of the access log, of which most differ from one before by their number, time and hash alone.

Law: what is read is what `audit.parse_log_entry` reads. A line of another shape than the one that `audit` writes goes
that way.
"""

import re
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from envfs.core import audit
from envfs.errors import LogBroken

_HEAD = re.compile(rb'\{"seq":\d{1,18},"time":"([0-9T:.Z-]{27})",')
_TAIL = re.compile(rb',"prev":"[0-9a-f]{64}"\}\n')
_TAIL_BYTES = len(',"prev":""}\n') + 64
_OWN = ("seq", "time", "prev")
_KEPT = 4096
Body = dict[str, object]
Meaning = TypeVar("Meaning")


class LoggedEntry(NamedTuple, Generic[Meaning]):
    """An entry: its time in UTC, and what all of it but number, time and hash means."""

    time: str
    meaning: Meaning


class EntryReader(Generic[Meaning]):
    """Reads lines one by one."""

    def __init__(self, meaning_of: Callable[[Body], Meaning]) -> None:
        """Remember none yet. `meaning_of` is asked once for entries that are alike, at least."""
        self._meaning_of = meaning_of
        self._meanings: dict[bytes, Meaning] = {}

    def read(self, line: bytes) -> LoggedEntry[Meaning] | None:
        """Read one line. None: it is no entry."""
        head = _HEAD.match(line)
        if head is None or _TAIL.fullmatch(line, len(line) - _TAIL_BYTES) is None:
            return self._read_whole(line)
        middle = line[head.end() : -_TAIL_BYTES]
        if middle in self._meanings:
            return LoggedEntry(head[1].decode(), self._meanings[middle])
        entry = self._read_whole(line)
        if entry is not None:
            if len(self._meanings) >= _KEPT:
                self._meanings.clear()
            self._meanings[middle] = entry.meaning
        return entry

    def _read_whole(self, line: bytes) -> LoggedEntry[Meaning] | None:
        try:
            body = audit.parse_log_entry(line, 0)
        except LogBroken:
            return None
        own = {name: value for name, value in body.items() if name not in _OWN}
        return LoggedEntry(str(body.get("time", "")), self._meaning_of(own))
