"""Records byte for byte: what we seal is what is checked in, and what must be refused is."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core import extensions, keyfile
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Keys
from envfs.core.notes import Note
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, EnvFSError
from envfs.keyholder.crypto import age, sealing, statements
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.crypto.sealing import Content, OpenedRecord

VECTORS = Path(__file__).parents[1] / "vectors" / "record"
RECORDS = sorted(path.stem for path in VECTORS.glob("*.record"))
KEYS = sorted(path.stem for path in VECTORS.glob("*.age"))


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def stored(name: str) -> bytes:
    return next(VECTORS.glob(f"{name}.[ra]*")).read_bytes()


def place(case: dict[str, Any]) -> RecordAddress:
    return RecordAddress(case["vault"], case["stream"], case["seq"], case["prev"])


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def keys_of(case: dict[str, Any]) -> dict[str, Secret[bytes]]:
    key = Secret(b64(case["key"]))
    return {keyfile.kid(key): key}


def open_keys(identity: Identity, where: RecordAddress, data: bytes) -> Keys:
    return sealing.check_key_file(identity, where, identity.open(data))


def note_of(case: dict[str, Any]) -> Note:
    note = case.get("note", {})
    return Note(note.get("op", ""), note.get("version", 0), note.get("level", ""), note.get("message", ""))


def content_of(case: dict[str, Any]) -> Content:
    ext = extensions.parse_extension(case["ext"]) if "ext" in case else ""
    return Content(case["text"], note_of(case), Point(*case.get("members", ())), ext)


def opened(name: str) -> OpenedRecord:
    case = load(name)
    owner = Identity(Secret(case["identity"]))
    members = statements.check_members(owner, case["vault"], tuple(map(str.encode, case.get("member_records", ()))))
    return sealing.open_record(owner, place(case), keys_of(case), stored(name), members)


ACCEPTED = [name for name in RECORDS if not load(name).get("refused")]
WRITTEN = [name for name in ACCEPTED if not load(name).get("for_reading")]
REFUSED = [name for name in RECORDS if load(name).get("refused")]


def test_there_are_vectors() -> None:
    assert len(WRITTEN) >= 18
    assert len(ACCEPTED) - len(WRITTEN) >= 6
    assert len(REFUSED) >= 70
    assert len(KEYS) >= 9


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_sealed_is_what_is_checked_in(name: str) -> None:
    case = load(name)
    author = Identity(Secret(case.get("author", case["identity"])))
    nonces = (b64(case["nonce"]), b64(case.get("note_nonce", "")))
    sealed = sealing.seal_record(author, place(case), case["time"], Secret(b64(case["key"])), content_of(case), nonces)
    assert sealed == stored(name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_checked_in_is_opened(name: str) -> None:
    case, record = load(name), opened(name)
    assert record.text == case["text"]
    assert (record.header.members, record.header.ext) == content_of(case)[2:]
    if case.get("note_refused"):
        with pytest.raises(AuthenticationFailed):
            sealing.open_note(record)
    else:
        assert sealing.open_note(record) == note_of(case)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_checked_in_is_opened_without_our_code(name: str) -> None:
    # as docs/format.md says it, with nothing of envfs in between
    case, body = load(name), json.loads(stored(name))
    header = json.loads(b64(body["protected"]))
    seed = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"envfs/1/signing-key")
    line = case.get("author", case["identity"])
    author = Ed25519PrivateKey.from_private_bytes(seed.derive(line.encode())).public_key()
    signed = ".".join(body[member] for member in ("protected", "iv", "ciphertext", "tag"))
    author.verify(b64(body["signature"]), signed.encode())
    sealed = b64(body["ciphertext"]) + b64(body["tag"])
    text = AESGCM(b64(case["key"])).decrypt(b64(body["iv"]), sealed, body["protected"].encode())
    thumbprint = hashlib.sha256(f'{{"k":"{case["key"]}","kty":"oct"}}'.encode()).digest()
    assert text.decode() == case["text"]
    if "note" in case:
        protected, _, iv, ciphertext, tag = header["note"].split(".")
        note = AESGCM(b64(case["key"])).decrypt(b64(iv), b64(ciphertext) + b64(tag), protected.encode())
        assert len(note) % 128 == 0
        assert case["note"].items() <= json.loads(note).items()
    assert {name: value for name, value in header.items() if name != "note"} == {
        "alg": "dir",
        "enc": "A256GCM",
        "typ": "envfs-record",
        "kid": base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode(),
        **{member: case[member] for member in ("vault", "stream", "seq", "prev")},
        "author": base64.urlsafe_b64encode(author.public_bytes_raw()).rstrip(b"=").decode(),
        "time": case["time"],
        **{member: case[member] for member in ("members", "ext") if member in case},
    }


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_refused_is(name: str) -> None:
    with pytest.raises(EnvFSError) as caught:
        opened(name)
    assert caught.value.code == load(name).get("error", AuthenticationFailed.code)


def test_a_record_without_a_pinned_nonce_has_a_fresh_one_each_time() -> None:
    case = load("first")
    made = {
        sealing.seal_text(
            Identity(Secret(case["identity"])), place(case), case["time"], Secret(b64(case["key"])), case["text"]
        )
        for _ in range(50)
    }
    assert len({json.loads(data)["iv"] for data in made}) == 50


# -- keys --------------------------------------------------------------------------------------------------------------


KEYS_ACCEPTED = [name for name in KEYS if not load(name).get("refused")]


def keys_in(case: dict[str, Any]) -> Keys:
    keys = tuple(Secret(b64(key)) for key in (case["key"], *case.get("earlier", ())))
    return Keys(keys, tuple(case.get("recipients", (case["recipient"],))))


@pytest.mark.parametrize("name", KEYS_ACCEPTED)
def test_a_checked_in_key_file_opens(name: str) -> None:
    case = load(name)
    identity = Identity(Secret(case["identity"]))
    assert identity.recipient == case["recipient"]
    assert open_keys(identity, place(case), stored(name)) == keys_in(case)


@pytest.mark.parametrize("name", KEYS_ACCEPTED)
def test_a_sealed_key_file_holds_the_jwk_of_the_vector(name: str) -> None:
    case = load(name)
    identity = Identity(Secret(case["identity"]))
    data = sealing.seal_key_file(identity, place(case), case["time"], keys_in(case))
    opened = identity.open(data)
    assert json.loads(opened) == case["jwk"]
    assert opened.endswith(b"}\n")
    assert opened.count(b"\n") == 1
    assert open_keys(identity, place(case), data) == keys_in(case)


@pytest.mark.parametrize("name", KEYS_ACCEPTED)
def test_a_key_files_signature_is_checked_without_our_code(name: str) -> None:
    case = load(name)
    jwk = dict(case["jwk"])
    signature, protected = jwk.pop("signature"), jwk.pop("protected")
    rest = base64.urlsafe_b64encode(json.dumps(jwk, separators=(",", ":")).encode()).rstrip(b"=").decode()
    seed = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"envfs/1/signing-key")
    author = Ed25519PrivateKey.from_private_bytes(seed.derive(case["identity"].encode())).public_key()
    author.verify(b64(signature), f"{protected}.{rest}".encode())


@pytest.mark.parametrize("name", [name for name in KEYS if name not in KEYS_ACCEPTED])
def test_a_key_that_must_be_refused_is(name: str) -> None:
    case = load(name)
    with pytest.raises(AuthenticationFailed):
        open_keys(Identity(Secret(case["identity"])), place(case), stored(name))


@pytest.mark.parametrize("changed", [{"vault": "other"}, {"stream": "key/blog"}, {"seq": 2}, {"prev": "x"}])
def test_a_key_of_another_place_is_refused(changed: dict[str, Any]) -> None:
    case = load("key")
    with pytest.raises(AuthenticationFailed):
        open_keys(Identity(Secret(case["identity"])), place({**case, **changed}), stored("key"))


PLAINTEXTS = {
    "nothing": b"",
    "no json": b"hunter2",
    "a list": b"[]",
    "a text": b'"protected"',
    "null": b"null",
    "a number": b"7",
    "no utf-8": b'{"k":"\xff"}',
    "nested without end": b"[" * 200_000,
    "a number without end": b'{"k":' + b"1" * 10_000 + b"}",
    "members of other types": b'{"protected":{},"k":[],"signature":7}',
    "empty members": b'{"protected":"","k":"","signature":""}',
}


@pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS)
def test_whatever_somebody_seals_to_the_public_recipient_is_refused(plaintext: bytes) -> None:
    case = load("key")
    identity = Identity(Secret(case["identity"]))
    with pytest.raises(AuthenticationFailed) as caught:
        open_keys(identity, place(case), age.seal_to_recipients(plaintext, (identity.recipient,)))
    assert "hunter2" not in caught.value.text


@pytest.mark.parametrize("at", range(0, 500, 7))
def test_a_key_file_with_a_wrong_bit_is_refused(at: int) -> None:
    case = load("key")
    data = bytearray(stored("key"))
    data[at % len(data)] ^= 4
    with pytest.raises(AuthenticationFailed):
        open_keys(Identity(Secret(case["identity"])), place(case), bytes(data))
