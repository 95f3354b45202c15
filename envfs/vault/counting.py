"""The newest record of a level that counts, where a vault has members.

A record that a former member delivered after the revoke stands at the end of its stream, and nobody may take it away.
It holds its number and nothing else: the text is that of the record before it, and the next version follows on it.

Laws: nothing is passed over but what the list says so of. The keyholder checks the list itself with each record. A
record of a former member counts where the record is that the list names as the last one of theirs.
"""

from envfs.core import record
from envfs.core.membership.folding import fold_entries
from envfs.core.membership.members import Members
from envfs.errors import AuthenticationFailed
from envfs.vault.streams import Head, Streams


class CountingRecords:
    """The judgment of heads of one vault. Without a list of members every head counts, and nothing is looked at."""

    def __init__(self, streams: Streams, founder: str) -> None:
        """Judge the records in `streams` of the vault that `founder` began."""
        self._streams = streams
        self._founder = founder
        self._members: Members | None = None
        self.has_list = streams.data(record.MEMBERS, 1) is not None
        self._judged: dict[str, tuple[str, str, Head | None]] = {}  # by stream: head, newest entry, what counts
        self._linked: dict[str, tuple[str, int]] = {}  # by stream: head, and the number down to which all hangs on it

    def newest(self, stream: str, head: Head | None) -> Head | None:
        """Return the newest record that counts, of a stream that ends with `head`."""
        if head is None or not self.has_list:
            return head
        members = self._folded()
        if members is None or not members.now.shared:
            return head
        judged = self._judged.get(stream)
        if judged is None or judged[:2] != (head.digest, members.newest.digest):
            judged = (head.digest, members.newest.digest, self._judge(members, stream, head))
            self._judged[stream] = judged
        return judged[2]

    def check_past(self, stream: str, seq: int, head: Head | None) -> None:
        """Refuse a record that the newest one that counts does not hang on: its author's word alone is not enough.

        Raises:
            AuthenticationFailed: so it is
        """
        newest = self.newest(stream, head)
        if head is None or not self.has_list or (newest is not None and newest.seq == seq):
            return
        if newest is None or seq > newest.seq:
            raise AuthenticationFailed(f"record {seq} of {stream} does not count", "`envfs verify` names each one")
        top, low = self._linked.get(stream, ("", 0))
        if top != newest.digest:
            low = newest.seq
        while low > seq:
            self._check_link(stream, low)
            low -= 1
        self._linked[stream] = newest.digest, low

    def _check_link(self, stream: str, seq: int) -> None:
        # one that was forgotten says nothing of the one before it, and its tombstone was signed over what it was
        data = self._streams.data(stream, seq)
        if data and record.parse_header(data).prev != self._digest(stream, seq - 1):
            raise AuthenticationFailed(
                f"record {seq} of {stream} does not follow from the one before", "`envfs verify` names each one"
            )

    def _judge(self, members: Members, stream: str, head: Head) -> Head | None:
        seq, data = head.seq, head.data
        while seq and data and (members.passes_over(data) or not self._is_vouched_for(members, stream, data)):
            seq -= 1
            data = self._streams.data(stream, seq) or b""
        if seq and not data:
            return head  # one that was forgotten counts for nothing: the keyholder refuses what stands behind it
        return Head(seq, record.digest(data), data) if seq else None

    def _is_vouched_for(self, members: Members, stream: str, data: bytes) -> bool:
        return all(self._digest(stream, seq) == digest for seq, digest in members.vouching(data))

    def _digest(self, stream: str, seq: int) -> str:
        data = self._streams.data(stream, seq)
        return record.digest(data) if data else self._streams.forgotten(stream).get(seq, "")

    def _folded(self) -> Members | None:
        try:
            newest = self._streams.head(record.MEMBERS)
            if newest is None:
                return None
            if self._members is None or self._members.newest.digest != newest.digest:
                records = (self._streams.data(record.MEMBERS, seq) or b"" for seq in range(1, newest.seq + 1))
                self._members = fold_entries(self._founder, records)
        except AuthenticationFailed:
            return None  # the keyholder refuses such a list, and everything with it
        return self._members
