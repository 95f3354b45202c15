"""One checkpoint of the vault: the owner's signature over where the access log ended and how far each stream was.

Laws: there is exactly one encoding of a checkpoint, and anything else is refused (docs/format.md §8). A checkpoint
names its vault, its stream, its number and the checkpoint before it. Nothing is signed here.
"""

from typing import NamedTuple

from envfs.core import record, statements
from envfs.core.statements import Statement, StatementHeader
from envfs.errors import AuthenticationFailed

_HEX_DIGITS = 64
_DIGITS = frozenset("0123456789abcdef")


class StreamHead(NamedTuple):
    """The newest record of a stream of the vault, as this machine knew it."""

    stream: str
    seq: int
    digest: str


class Claim(NamedTuple):
    """The content of a checkpoint: the log's tip, and the heads of the vault's streams.

    `begin` is the hash of the log's first line, `tip` that of its entry number `entries`, which ends at byte `offset`
    of its file. Both are hexadecimal. The heads are those of checkpoint `heads_in`, and stand there only.
    """

    begin: str
    entries: int
    tip: str
    offset: int
    heads_in: int
    heads: tuple[StreamHead, ...] = ()


class StoredCheckpoint(NamedTuple):
    """A stored checkpoint: the statement that is signed, and what its payload says."""

    statement: Statement
    claim: Claim

    @property
    def header(self) -> StatementHeader:
        """Where it stands."""
        return self.statement.header


def render_claim(claim: Claim) -> str:
    """Return the encoded payload."""
    body = {**claim._asdict(), "heads": {head.stream: [head.seq, head.digest] for head in claim.heads}}
    if not claim.heads:
        del body["heads"]
    return statements.encode_object(body)


def parse_checkpoint(data: bytes) -> StoredCheckpoint:
    """Read a stored checkpoint. The keyholder says whether it is authentic.

    Raises:
        AuthenticationFailed: not the one encoding of a checkpoint
    """
    statement = statements.parse_statement(data, statements.StatementType.CHECKPOINT)
    return StoredCheckpoint(statement, parse_claim(statement.payload))


def parse_claim(payload: str) -> Claim:
    """Read an encoded payload.

    Raises:
        AuthenticationFailed: not the one encoding of a claim
    """
    data = record.from_base64(payload)
    with_heads = b'"heads":' in data
    body = record.parse_json_object(data)
    if tuple(body) != (Claim._fields if with_heads else Claim._fields[:-1]):
        raise _wrong("has other fields than it should")
    heads = body.get("heads", {})
    if not isinstance(heads, dict):
        raise _wrong("has heads of another type")
    claim = Claim(**{**body, "heads": tuple(map(_head, heads.items()))})  # type: ignore[arg-type]  # checked below
    numbers = (claim.entries, claim.offset, claim.heads_in)
    if any(type(number) is not int or number < 0 for number in numbers) or not all(
        map(_is_hex, (claim.begin, claim.tip))
    ):
        raise _wrong("has a field of another type")
    if render_claim(claim) != payload:
        raise _wrong("is written in a second encoding")
    return claim


def _head(member: tuple[str, object]) -> StreamHead:
    match member[1]:
        case [int(seq), str(digest)] if type(seq) is int:
            return StreamHead(member[0], seq, digest)
        case _:
            raise _wrong("has a head that is none")


def _is_hex(text: object) -> bool:
    return isinstance(text, str) and len(text) == _HEX_DIGITS and _DIGITS.issuperset(text)


def _wrong(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"a checkpoint {what}", "`envfs verify` names each one")
