"""Faults in the gaps of a stream: records without their bytes, held against the tombstones of their owner.

Laws: a tombstone excuses a gap only if it is signed by the owner, and never the newest record; what it names and still
has its bytes is told as well. Checkpoints have no tombstones: those that are kept have their bytes (docs/format.md §8).
"""

from typing import NamedTuple

from envfs.core import record
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.vault.vault import Vault

_MOST_TOLD = 10
_AGAIN = "was forgotten by the owner, and has its bytes again"


class Gaps(NamedTuple):
    """A stream with `last` records, and the digests of those that its tombstones name.

    Added to are `notes`, and `forgotten`: the versions of a level that its owner forgot.
    """

    stream: str
    last: int
    named: dict[int, str]
    has_tombstones: bool
    notes: list[str]
    forgotten: list[int]

    def fault(self, seq: int, data: bytes) -> str:
        """Say what is wrong with a record that has no bytes, or should have none. Empty if nothing is."""
        if record.is_log_stream(self.stream):
            return "" if data else "it is empty, and only old checkpoints may be"
        if data:
            return self._returned(seq, data) if seq in self.named else ""
        if seq == self.last:
            return "the newest record is empty"
        if seq not in self.named:
            return self._unexplained(seq)
        if record.is_level_stream(self.stream):
            self.forgotten.append(seq)
        elif not self.named[seq]:
            self.notes.append(f"{self.stream}: record {seq} had lost its bytes before its owner said so")
        return ""

    def tell(self) -> None:
        """Note how many versions of a level its owner forgot, and which."""
        if self.forgotten:
            some = ", ".join(map(str, self.forgotten[:_MOST_TOLD]))
            more = len(self.forgotten) - _MOST_TOLD
            which = f"{some} and {more} more" if more > 0 else some
            self.notes.append(f"{self.stream}: the owner forgot {len(self.forgotten)} of its versions: {which}")

    def _returned(self, seq: int, data: bytes) -> str:
        if self.named[seq] not in ("", record.digest(data)):
            return "other bytes are in the place of a record that was forgotten by the owner"
        if not record.is_key_stream(self.stream):
            return _AGAIN
        self.notes.append(f"{self.stream}: record {seq} {_AGAIN}; unlocking its project forgets it")
        return ""

    def _unexplained(self, seq: int) -> str:
        if record.is_key_stream(self.stream) and not self.has_tombstones:
            # a release before tombstones forgets in this way. The newest file has all that was in this one
            self.notes.append(f"{self.stream}: record {seq} is empty, and nothing says that its owner forgot it")
            return ""
        return "it is empty, and no tombstone of the owner names it"


async def gaps_of(vault: Vault, keyholder: Keyholder, stream: str, last: int, notes: list[str]) -> Gaps:
    """Return what the owner's tombstones say of a stream that has `last` records.

    Raises:
        Locked: the keyholder has no identity
    """
    named = await checked_tombstones(vault, keyholder, stream)
    return Gaps(stream, last, named, vault.last(record.tombstone_stream(stream)) > 0, notes, [])
