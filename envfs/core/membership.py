"""The authors of a vault's records: the stream `member`, folded (docs/format.md §10).

Laws: the owner is its first entry and signs every other one. A record counts by the members that its author named in
it, never by a clock; what an author wrote beyond the point at which the owner took their right away does not count,
whatever it names.
"""

from enum import StrEnum
from typing import NamedTuple

from envfs.core import statements
from envfs.core.record import Point, RecordHeader
from envfs.core.statements import Statement, StatementType
from envfs.errors import AuthenticationFailed


class EntryKind(StrEnum):
    """The acts of the owner on the right of an author to write."""

    FOUND = "found"  # the first entry: the owner's own
    ALLOW = "allow"
    REVOKE = "revoke"


class MemberEntry(NamedTuple):
    """One entry: a kind, and an author's Ed25519 public key in base64url.

    `last` is of REVOKE: the last record of that author's that counts, by stream. None of the other streams do.
    """

    kind: EntryKind
    author: str
    last: tuple[tuple[str, Point], ...] = ()


class Members(NamedTuple):
    """The entries of a vault's stream `member`, the first one first, and their digests. None without that stream."""

    owner: str
    entries: tuple[MemberEntry, ...] = ()
    digests: tuple[str, ...] = ()

    @property
    def newest(self) -> Point:
        """The newest entry."""
        return Point(len(self.digests), self.digests[-1]) if self.digests else Point()

    def authors(self, number: int) -> frozenset[str]:
        """Return who may write once there are so many entries."""
        allowed = {self.owner}
        for entry in self.entries[:number]:
            if entry.kind is EntryKind.REVOKE:
                allowed.discard(entry.author)
            else:
                allowed.add(entry.author)
        return frozenset(allowed)

    def authors_of(self, header: RecordHeader, digest: str) -> frozenset[str]:
        """Return who may have written a record: its header and the digest of its bytes.

        Raises:
            AuthenticationFailed: it names an entry that this vault does not have
        """
        point = header.members
        if point.seq and (point.seq > len(self.digests) or self.digests[point.seq - 1] != point.digest):
            raise AuthenticationFailed(
                f"record {header.seq} of {header.stream} names members that this vault does not have",
                "an older list of members was put back, or there are two; `envfs verify` says more",
            )
        frozen = {
            entry.author
            for entry in self.entries[point.seq :]
            if entry.kind is EntryKind.REVOKE and _is_beyond(entry, header, digest)
        }
        return self.authors(point.seq) - frozen

    def follow(self, entry: MemberEntry, digest: str) -> "Members":
        """Return the members with one entry more.

        Raises:
            AuthenticationFailed: it does not follow from those before
        """
        allowed = self.authors(len(self.entries))
        fits = {
            EntryKind.FOUND: not self.entries and entry.author == self.owner,
            EntryKind.ALLOW: bool(self.entries) and entry.author not in allowed,
            EntryKind.REVOKE: bool(self.entries) and entry.author in allowed - {self.owner},
        }
        if not fits.get(entry.kind):
            raise AuthenticationFailed(
                f"entry {len(self.entries) + 1} of the members does not follow from those before"
            )
        return Members(self.owner, (*self.entries, entry), (*self.digests, digest))


def entry_payload(entry: MemberEntry) -> str:
    """Return the encoded payload of an entry."""
    body: dict[str, object] = {"kind": entry.kind, "author": entry.author}
    if entry.kind is EntryKind.REVOKE:
        body["last"] = {stream: list(point) for stream, point in entry.last}
    return statements.encode_object(body)


def parse_entry(data: bytes) -> tuple[Statement, MemberEntry]:
    """Read a stored entry.

    Raises:
        AuthenticationFailed: not the one encoding of an entry of format 1
    """
    statement = statements.parse_statement(data, StatementType.MEMBER)
    body = statement.body()
    kind, author, last = body.get("kind"), body.get("author"), body.get("last", {})
    if not isinstance(kind, str) or not isinstance(author, str) or not isinstance(last, dict):
        raise _wrong()
    if kind not in tuple(EntryKind):
        raise _wrong()
    points = tuple((stream, _point(point)) for stream, point in sorted(last.items()))
    entry = MemberEntry(EntryKind(kind), author, points)
    if entry_payload(entry) != statement.payload:
        raise _wrong()
    return statement, entry


def _is_beyond(entry: MemberEntry, header: RecordHeader, digest: str) -> bool:
    last = dict(entry.last).get(header.stream, Point())
    return header.seq > last.seq or (header.seq == last.seq and digest != last.digest)


def _point(body: object) -> Point:
    match body:
        case [int(seq), str(digest)] if type(seq) is int and seq > 0 and digest:
            return Point(seq, digest)
        case _:
            raise _wrong()


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("an entry of the members is not of format 1", "`envfs verify` names each one")
