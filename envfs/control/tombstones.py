"""What is wrong with the gaps in a stream: records without their bytes, held against the tombstones of their owner.

Laws: a tombstone excuses a gap only if it is signed by the owner, and never the newest record; what it names and still
has its bytes is told as well. Of checkpoints those before the newest thousand need no tombstone (docs/format.md §8).
"""

from typing import NamedTuple

from envfs.control.call import Call
from envfs.core import record, tombstones
from envfs.gate.audit_log.ledger import KEPT
from envfs.protocol.keyholding import CheckTombstones, Faults

_AGAIN = "was forgotten by the owner, and has its bytes again"


class Gaps(NamedTuple):
    """A stream with `last` records, and the digests of those that its tombstones name; `notes` is added to."""

    stream: str
    last: int
    named: dict[int, str]
    has_tombstones: bool
    notes: list[str]

    def fault(self, seq: int, data: bytes) -> str:
        """Say what is wrong with a record that has no bytes, or should have none; empty if nothing is."""
        if record.is_log_stream(self.stream):
            return "" if data or seq <= self.last - KEPT else "it is empty, and only old checkpoints may be"
        if data:
            return self._returned(seq, data) if seq in self.named else ""
        if seq == self.last:
            return "the newest record is empty"
        if seq not in self.named:
            return self._unexplained(seq)
        if not self.named[seq]:
            self.notes.append(f"{self.stream}: record {seq} had lost its bytes before its owner said so")
        return ""

    def _returned(self, seq: int, data: bytes) -> str:
        if self.named[seq] not in ("", record.digest(data)):
            return "other bytes are in the place of a record that was forgotten by the owner"
        if not record.is_key_stream(self.stream):
            return _AGAIN
        self.notes.append(f"{self.stream}: record {seq} {_AGAIN}; unlocking its project forgets it")
        return ""

    def _unexplained(self, seq: int) -> str:
        if record.is_key_stream(self.stream) and not self.has_tombstones:
            # a release before tombstones forgets in this way; the newest file has all that was in this one
            self.notes.append(f"{self.stream}: record {seq} is empty, and nothing says that its owner forgot it")
            return ""
        return "it is empty, and no tombstone of the owner names it"


async def gaps(call: Call, stream: str, last: int, notes: list[str]) -> Gaps:
    """Return what the owner's tombstones say of a stream."""
    vault = call.service.house.vault
    mourning = record.tombstone_stream(stream)
    texts = [vault.read(mourning, seq) or b"" for seq in range(1, vault.last(mourning) + 1)]
    named: dict[int, str] = {}
    if texts:
        places = tuple(vault.place(mourning, seq) for seq in range(1, len(texts) + 1))
        answer = (await call.service.keyholder.ask(CheckTombstones(places), tuple(texts))).message
        faults = answer.texts if isinstance(answer, Faults) else ()
        for text in (text for text, fault in zip(texts, faults, strict=True) if not fault):
            for point in tombstones.parse(text)[1]:
                named.setdefault(*point)
    return Gaps(stream, last, named, bool(texts), notes)
