"""The log's statements about the vault: how far each stream was when they were written.

Law: an entry of a change is there before the change. A `void` entry directly after it, or after what opening the log
adds, says that the change was interrupted. In any other place a `void` entry says nothing (docs/format.md §7).
"""

from typing import NamedTuple

from envfs.core import names, record
from envfs.core.checkpoint import StreamHead
from envfs.core.events import EventKind
from envfs.gate.audit_log.log_files import LogEnd
from envfs.gate.audit_log.log_reading import Body
from envfs.vault.high_water import Seen

_CHANGES = (EventKind.WRITE, EventKind.KEY)
_OF_OPENING = (
    EventKind.MEND,
    EventKind.ROTATE,
)  # what may come between an entry and the word that its change was interrupted


class Intent(NamedTuple):
    """A change that an entry names: `event` is WRITE or KEY, `before` what the log had of its stream before."""

    event: EventKind
    level: str
    version: int
    before: int = 0

    @property
    def stream(self) -> str:
        """The stream that gets the record."""
        if self.event is EventKind.KEY:
            return record.key_stream(names.project(self.level))
        return record.level_stream(self.level)


class Marks:
    """Takes entries in their order, and keeps the newest version that each level was read at.

    `with_writes` counts what was written too. An `accept` sets a level to what a person took it for. `last` is the
    change that the newest entry speaks of: whether that took effect is not known from the log. `broken_off` are the
    changes that did not, by stream, as far as no later change is of that stream. Of the levels in `forgetting` versions
    were to be forgotten.
    """

    def __init__(self, *, with_writes: bool = False) -> None:
        """Start with none."""
        self._counts = (EventKind.READ, *_CHANGES) if with_writes else (EventKind.READ,)
        self._marks: dict[str, int] = {}
        self._accepted: dict[str, int] = {}
        self.ends_signed = False
        self.last: Intent | None = None
        self.broken_off: dict[str, int] = {}
        self.forgetting: set[str] = set()

    def take(self, _end: LogEnd, body: Body) -> None:
        """Take the next entry."""
        event, level, version = str(body.get("event")), body.get("level"), body.get("version", 0)
        self.ends_signed = event == EventKind.CHECKPOINT and "entry" not in body
        last = self.last
        if event not in _OF_OPENING:
            self.last = None
        if not isinstance(level, str) or not isinstance(version, int) or not level.startswith("/"):
            return
        named = Intent(EventKind.KEY if event == EventKind.KEY else EventKind.WRITE, level, version)
        if event == EventKind.ACCEPT:
            self._accept(named)
        elif event == EventKind.FORGET:
            self.forgetting.add(level)
        elif event == EventKind.VOID:
            self._take_back(last, (str(body.get("operation")), level, version))
        elif event in (EventKind.READ, *_CHANGES) and version:
            self._raise(event, named)

    def _raise(self, event: str, named: Intent) -> None:
        before = self._marks.get(named.stream, 0)
        if event in self._counts:
            self._marks[named.stream] = max(named.version, before)
        if event in _CHANGES:
            self.broken_off.pop(named.stream, None)
            self.last = named._replace(before=before)

    def _take_back(self, last: Intent | None, named: tuple[str, str, int]) -> None:
        if last is None or last[:3] != named:
            return
        self.broken_off[last.stream] = last.version
        if last.stream in self._marks:
            self._marks[last.stream] = last.before

    def _accept(self, named: Intent) -> None:
        self._accepted[named.stream] = self._marks[named.stream] = named.version
        of_key = named._replace(event=EventKind.KEY).stream
        self._marks.pop(of_key, None)
        for stream in (of_key, *map(record.tombstone_stream, (of_key, named.stream)), record.MEMBERS):
            self._accepted[stream] = 0  # they are taken with it

    def after(self, heads: tuple[StreamHead, ...]) -> dict[str, Seen]:
        """Return the marks, those of `heads` raised by what came after them."""
        marks = {head.stream: Seen(head.seq, head.digest) for head in heads if head.stream not in self._accepted}
        for stream, version in self._marks.items():
            if version > marks.get(stream, Seen(0, "")).seq:
                marks[stream] = Seen(version, "")
        return marks
