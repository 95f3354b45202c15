"""The invariant: a hostile header, extension, note or statement parses or raises EnvFSError, nothing else."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envfs.core import checkpoint, extensions, notes, record, statements, tombstones
from envfs.core.membership import entries
from envfs.core.membership.entries import EntryKind, MemberEntry, Role
from envfs.core.membership.members import Claimed, Members
from envfs.core.membership.roster import Signer
from envfs.core.record import Point
from envfs.core.statements import StatementType
from envfs.errors import EnvFSError
from tests.property.messages import json_values

DEEP = b"[" * 3_000
LONG_NUMBER = b"9" * 5_000
KINDS = {
    "tombstone": (statements.StatementType.TOMBSTONE, tombstones.parse_tombstone),
    "member": (statements.StatementType.MEMBER, entries.parse_entry),
    "checkpoint": (StatementType.CHECKPOINT, checkpoint.parse_checkpoint),
}
digests = st.text("abc", max_size=2)
points = st.lists(st.one_of(st.integers(-1, 3), digests, json_values), max_size=3)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "forgotten": json_values | st.lists(points, max_size=3),
        "kind": json_values | st.sampled_from(EntryKind),
        "author": json_values | digests,
        "member": json_values | st.integers(0, 3),
        "rekey": json_values | st.booleans(),
        "join": json_values | st.integers(0, 3),
        "name": json_values | digests,
        "role": json_values | st.sampled_from(Role),
        "levels": json_values | st.lists(digests, max_size=2),
        "last": json_values | st.dictionaries(digests, points, max_size=2),
        "begin": json_values,
        "heads": json_values,
    },
)
required = {
    "alg": st.just("dir"),
    "enc": st.just("A256GCM"),
    "typ": st.just(record.TYPE),
    **dict.fromkeys(("kid", "vault", "stream"), digests),
    "seq": st.integers(0, 3),
    **dict.fromkeys(("prev", "author"), digests),
    "time": st.just("2026-11-29T18:09:10.123456Z") | digests,
}
optional = {
    "members": json_values | points,
    "note": json_values | digests,
    "ext": json_values | st.dictionaries(st.sampled_from(["a", "b", "crit"]), json_values | st.just(["a"]), max_size=3),
    "crit": json_values | st.just(["ext"]),
}


@given(st.fixed_dictionaries(required, optional=optional))
def test_a_header_with_anything_beside_what_it_needs(body: dict[str, object]) -> None:
    text = record.to_base64(json.dumps(body, separators=(",", ":")).encode())
    with contextlib.suppress(EnvFSError):
        header = record.parse_protected(text)
        assert record.protect_header(header) == text
        extensions.check_critical(header.ext, "record 1")


@pytest.mark.parametrize("kind", KINDS)
@given(body=payloads | json_values, text=st.none() | st.binary(max_size=30))
@example(body={}, text=DEEP)
@example(body={}, text=b'{"forgotten":' + LONG_NUMBER + b"}")
@example(body={}, text=b"\xff")
def test_a_statement_that_says_anything(kind: str, body: object, text: bytes | None) -> None:
    typ, parse = KINDS[kind]
    protected = statements.protect_statement(
        statements.StatementHeader("v", "s", 1, "", "a", "2026-11-29T18:09:10.123456Z"), typ
    )
    payload = record.to_base64(json.dumps(body, separators=(",", ":")).encode() if text is None else text)
    with contextlib.suppress(EnvFSError):
        parse(statements.render_statement(protected, payload, b"x" * 64))


@pytest.mark.parametrize("kind", KINDS)
@given(data=json_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
@example(data=DEEP)
@example(data=b'{"payload":' + LONG_NUMBER + b"}")
def test_whatever_stands_in_the_place_of_a_statement(kind: str, data: bytes) -> None:
    with contextlib.suppress(EnvFSError):
        KINDS[kind][1](data)


@given(st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
@example(DEEP)
@example(b'{"version":' + LONG_NUMBER + b"}")
def test_whatever_was_sealed_as_a_note(plain: bytes) -> None:
    with contextlib.suppress(EnvFSError):
        note = notes.parse_note(plain)
        assert json.dumps(list(note)).isascii()


@given(
    st.lists(st.tuples(st.sampled_from([EntryKind.FOUND, EntryKind.ALLOW, EntryKind.REVOKE]), st.sampled_from("ome")))
)
def test_a_list_of_authors_in_any_order_keeps_its_laws(steps: list[tuple[EntryKind, str]]) -> None:
    members = Members("o")
    for number, (kind, author) in enumerate(steps):
        with contextlib.suppress(EnvFSError):
            entry = MemberEntry(kind, author, (("level", Point(3, "d3")),) if kind is EntryKind.REVOKE else ())
            members = members.follow(Signer("o", ""), entry, f"e{number}")
    for author in "me":
        for point in range(len(members.entries) + 1):
            named = Point(point, members.digests[point - 1]) if point else Point()
            later = [
                entry for entry in members.entries[point:] if (entry.kind, entry.author) == (EntryKind.REVOKE, author)
            ]
            is_there = point > 0 and members.rosters[point - 1].by_author(author) is not None
            assert _counts(members, author, named) == (is_there and not later)
            assert _counts(members, "o", named)


def _counts(members: Members, author: str, named: Point) -> bool:
    try:
        members.check_author(Claimed("level", 4, author, "t", named), "d4")
    except EnvFSError:
        return False
    return True
