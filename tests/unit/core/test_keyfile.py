"""A key file's content has one encoding, holds as much as it promises, and shows nothing of a key."""

import json
from collections.abc import Callable

import pytest

from envfs.core import keyfile, limits
from envfs.core.keyfile import Custody, Keys, Opened
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest, TooLarge

KEYS = Keys((Secret(b"\1" * 32), Secret(b"\2" * 32)), ("age1owner", "ssh-ed25519 AAAA"))
PLAIN = keyfile.render_keys(KEYS, "header", b"signature")


def test_what_is_rendered_is_parsed() -> None:
    assert keyfile.parse_keys(PLAIN) == Opened(KEYS, "header", b"signature")


def test_it_is_a_jwk_of_the_newest_key() -> None:
    body = json.loads(PLAIN)
    assert (body["kty"], body["alg"], body["kid"]) == ("oct", "A256GCM", keyfile.kid(Secret(b"\1" * 32)))
    assert [each["kid"] for each in body["earlier"]] == [keyfile.kid(Secret(b"\2" * 32))]


def test_a_kid_is_the_thumbprint_of_rfc_7638() -> None:
    assert keyfile.kid(Secret(bytes(32))) == "9nnxVaRYos6pwySYZALWRL64fgG5CMX9No3tAqd5urU"


def _with(**members: object) -> bytes:
    return json.dumps({**json.loads(PLAIN), **members}, separators=(",", ":")).encode() + b"\n"


def _jwk(length: int) -> dict[str, object]:
    key = b"\3" * length
    return {"kty": "oct", "k": keyfile.to_base64(key), "kid": keyfile.kid(Secret(key)), "alg": "A256GCM"}


REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "no line end": PLAIN[:-1],
    "two line ends": PLAIN + b"\n",
    "blanks": PLAIN.replace(b",", b", "),
    "no object": b"[]\n",
    "a text": b'"x"\n',
    "a number": b"1" * 5000 + b"\n",
    "no utf-8": b"\xff\n",
    "deep": b"[" * 60_000 + b"\n",
    "one member more": _with(more=1),
    "a member twice": PLAIN.replace(b'{"kty"', b'{"kty":"oct","kty"', 1),
    "earlier is a text": _with(earlier="abc"),
    "earlier is null": _with(earlier=None),
    "earlier is an object": _with(earlier={"k": "x"}),
    "earlier holds texts": _with(earlier=["k"]),
    "recipients is a text": _with(recipients="age1owner"),
    "recipients holds numbers": _with(recipients=[1, None]),
    "k is a number": _with(k=1),
    "k is a list": _with(k=["x"]),
    "k with padding": _with(k=keyfile.to_base64(b"\1" * 32) + "="),
    "a kid of another key": _with(kid=keyfile.kid(Secret(b"\2" * 32))),
    "another algorithm": _with(alg="A128GCM"),
    "a short key": _with(**_jwk(16)),
    "a long key": _with(**_jwk(33)),
    "a short earlier key": _with(earlier=[_jwk(31)]),
    "too many keys": _with(earlier=[_jwk(32)] * limits.PROJECT_KEYS),
    "too long": PLAIN[:-1] + b" " * limits.KEY_FILE_BYTES,
    "a signature that is none": _with(signature="?"),
}


@pytest.mark.parametrize("plain", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_without_quoting_it(plain: bytes) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        keyfile.parse_keys(plain)
    assert "AQEBAQ" not in str(caught.value)


def test_as_many_keys_as_are_promised_fit() -> None:
    many = Keys(tuple(Secret(bytes((n,)) * 32) for n in range(limits.PROJECT_KEYS)), ("age1owner",))
    assert keyfile.parse_keys(keyfile.render_keys(many, "header", b"x")).keys == many


def test_a_file_over_its_limit_is_too_large_and_not_damaged() -> None:
    long = Keys(KEYS.keys, ("age1" + "x" * 3000,) * limits.RECIPIENTS)
    with pytest.raises(TooLarge):
        keyfile.render_keys(long, "header", b"x")


def test_the_signed_text_changes_with_every_member() -> None:
    texts = {
        keyfile.key_signed_text("header", KEYS),
        keyfile.key_signed_text("header2", KEYS),
        keyfile.key_signed_text("header", KEYS._replace(recipients=())),
        keyfile.key_signed_text("header", KEYS._replace(recipients=KEYS.recipients[::-1])),
        keyfile.key_signed_text("header", KEYS._replace(keys=KEYS.keys[::-1])),
        keyfile.key_signed_text("header", KEYS._replace(keys=KEYS.keys[:1])),
    }
    assert len(texts) == 6


@pytest.mark.parametrize("show", [repr, str], ids=["repr", "str"])
@pytest.mark.parametrize("what", [KEYS, keyfile.parse_keys(PLAIN)], ids=["keys", "opened"])
def test_no_key_is_shown(what: object, show: Callable[[object], str]) -> None:
    assert "\\x01" not in show(what)
    assert "AQEB" not in show(what)


HEADER = b"age-encryption.org/v1\n"
CUSTODIES = {
    HEADER + b"-> scrypt c2FsdA 18\n": Custody.ZERO_KNOWLEDGE,
    HEADER + b"-> X25519 abc\n": Custody.MANAGED,
    HEADER + b"-> X25519 abc\n\n-> scrypt c2FsdA 18\n": Custody.MANAGED,
    HEADER + b"-> scryptish c2FsdA 18\n": Custody.MANAGED,
    HEADER + b"-> ssh-ed25519 abc\n": Custody.MANAGED,
    b"": Custody.MANAGED,
}


@pytest.mark.parametrize(("data", "custody"), CUSTODIES.items())
def test_custody_is_seen_in_the_open_header(data: bytes, custody: str) -> None:
    assert keyfile.custody_of(data) == custody


@pytest.mark.parametrize("custody", Custody)
def test_a_custody_is_asked_for_by_its_name(custody: Custody) -> None:
    assert keyfile.custody_named(str(custody)) is custody


@pytest.mark.parametrize("text", ["", "MANAGED", "Managed", "zero", "managed\n"])
def test_what_names_no_custody_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        keyfile.custody_named(text)
