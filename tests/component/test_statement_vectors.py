"""Signed statements byte for byte: tombstones and the list of members."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from envfs.core import extensions, record, statements, tombstones
from envfs.core.addresses import RecordAddress
from envfs.core.membership.members import Members
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest, EnvFSError, TooLarge
from envfs.keyholder.crypto import statements as stating
from envfs.keyholder.crypto.identity import Identity
from tests.component.test_record_vectors import b64

VECTORS = Path(__file__).parents[1] / "vectors" / "statement"
NAMES = sorted(path.stem for path in VECTORS.glob("*.statement"))


def load(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return case


def stored(name: str) -> bytes:
    return (VECTORS / f"{name}.statement").read_bytes()


def place(case: dict[str, Any]) -> RecordAddress:
    return RecordAddress(case["vault"], case["stream"], case["seq"], case["prev"])


ACCEPTED = [name for name in NAMES if not load(name).get("refused")]
REFUSED = [name for name in NAMES if load(name).get("refused")]


def check(name: str) -> None:
    case = load(name)
    owner = Identity(Secret(case["identity"]))
    if case["type"] == statements.StatementType.TOMBSTONE:
        stating.check_tombstone(owner, place(case), stored(name), Members(owner.founder))
    else:
        before = tuple(map(str.encode, case["member_records"]))
        stating.check_members(owner, case["vault"], (*before, stored(name)))


def test_there_are_vectors() -> None:
    assert len(ACCEPTED) >= 6
    assert len(REFUSED) >= 25


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_signed_is_what_is_checked_in(name: str) -> None:
    case = load(name)
    ext = extensions.parse_extension(case["ext"]) if "ext" in case else ""
    payload = statements.encode_object(case["payload"])
    signed = stating.sign_statement(
        Identity(Secret(case["identity"])), place(case), case["time"], case["type"], payload, ext
    )
    assert signed == stored(name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_its_signature_is_checked_without_our_code(name: str) -> None:
    body = json.loads(stored(name))
    author = json.loads(b64(body["protected"]))["author"]
    text = f"{body['protected']}.{body['payload']}".encode()
    Ed25519PublicKey.from_public_bytes(b64(author)).verify(b64(body["signature"]), text)


@pytest.mark.parametrize("name", [name for name in ACCEPTED if name.startswith("tombstone")])
def test_a_tombstone_names_what_was_forgotten(name: str) -> None:
    case = load(name)
    points = tombstones.parse_tombstone(stored(name))[1]
    assert [list(point) for point in points] == case["payload"]["forgotten"]
    if not case.get("ext"):
        place_of = place(case)
        assert stating.sign_tombstone(Identity(Secret(case["identity"])), place_of, case["time"], points) == stored(
            name
        )


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_refused_is(name: str) -> None:
    with pytest.raises(EnvFSError) as caught:
        check(name)
    assert caught.value.code == load(name)["error"]


def test_the_refused_members_are_refused_for_their_last_record_alone() -> None:
    for name in REFUSED:
        case = load(name)
        if case["type"] == statements.StatementType.MEMBER:
            before = tuple(map(str.encode, case["member_records"]))
            stating.check_members(Identity(Secret(case["identity"])), case["vault"], before)


@pytest.mark.parametrize("at", range(0, 500, 3))
def test_a_flipped_bit_is_refused(at: int) -> None:
    case, data = load("tombstone"), bytearray(stored("tombstone"))
    data[at % len(data)] ^= 1
    owner = Identity(Secret(case["identity"]))
    with pytest.raises(AuthenticationFailed):
        stating.check_tombstone(owner, place(case), bytes(data), Members(owner.founder))


@pytest.mark.parametrize(
    ("stream", "named"),
    [
        ("tombstone/log/0123456789abcdef", (Point(1, "x"),)),
        ("tombstone/tombstone/level/shop", (Point(1, "x"),)),
        ("tombstone/member", (Point(1, "x"),)),
        ("level/shop", (Point(1, "x"),)),
        ("tombstone/level/shop", (Point(1, ""),)),
        ("tombstone/level/shop", ()),
    ],
)
def test_the_owner_signs_no_tombstone_that_could_not_be(stream: str, named: tuple[Point, ...]) -> None:
    owner = Identity(Secret(load("tombstone")["identity"]))
    with pytest.raises(BadRequest):
        stating.sign_tombstone(owner, RecordAddress("vault", stream, 1, ""), "2026-11-29T18:09:10.123456Z", named)


def test_a_tombstone_names_a_thousand_and_no_more() -> None:
    case = load("tombstone")
    owner, many = Identity(Secret(case["identity"])), tuple(Point(n, "x") for n in range(1, 1001))
    signed = stating.sign_tombstone(owner, place(case), case["time"], many)
    assert tombstones.parse_tombstone(signed)[1] == many
    with pytest.raises(TooLarge):
        stating.sign_tombstone(owner, place(case), case["time"], (*many, Point(1001, "x")))


def test_the_streams_of_tombstones_are_told_from_the_others() -> None:
    assert record.forgotten_stream(record.tombstone_stream("key/shop")) == "key/shop"
    assert not record.forgotten_stream("level/tombstone")
    assert not record.is_level_stream("tombstone/level/shop")
    assert not record.is_key_stream("tombstone/key/shop")
    assert record.record_key("tombstone/key/shop", 1) == "tombstone/key/shop/@00000001.json"
