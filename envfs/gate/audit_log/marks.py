"""What the log's entries say of the vault: how far each stream was when they were written."""

from envfs.core import names, record
from envfs.core.checkpoint import Head
from envfs.core.events import EventKind
from envfs.gate.audit_log.log_files import End
from envfs.gate.audit_log.log_reading import Body
from envfs.vault.memory import Seen

_CHANGES = (EventKind.READ, EventKind.WRITE, EventKind.KEY)


class Marks:
    """Takes entries in their order, and keeps the newest version that each level was read at.

    `with_writes` counts what was written too: an entry of a write is there before the record, which a crash may have
    prevented. An `accept` sets a level to what a person took it for.
    """

    def __init__(self, *, with_writes: bool = False) -> None:
        """Start with none."""
        self._counts = _CHANGES if with_writes else (EventKind.READ,)
        self._marks: dict[str, int] = {}
        self._accepted: dict[str, int] = {}
        self.ends_signed = False

    def take(self, _end: End, body: Body) -> None:
        """Take the next entry."""
        event, level, version = body.get("event"), body.get("level"), body.get("version", 0)
        self.ends_signed = event == EventKind.CHECKPOINT and "entry" not in body
        if not isinstance(level, str) or not isinstance(version, int) or not level.startswith("/"):
            return
        stream = record.key_stream(names.project(level)) if event == EventKind.KEY else record.level_stream(level)
        if event == EventKind.ACCEPT:
            self._accepted[stream] = self._marks[stream] = version
            self._marks.pop(record.key_stream(names.project(level)), None)
            self._accepted[record.key_stream(names.project(level))] = 0
        elif event in self._counts and version:
            self._marks[stream] = max(version, self._marks.get(stream, 0))

    def after(self, heads: tuple[Head, ...]) -> dict[str, Seen]:
        """Return the marks, those of `heads` raised by what came after them."""
        marks = {head.stream: Seen(head.seq, head.digest) for head in heads if head.stream not in self._accepted}
        for stream, version in self._marks.items():
            if version > marks.get(stream, Seen(0, "")).seq:
                marks[stream] = Seen(version, "")
        return marks
