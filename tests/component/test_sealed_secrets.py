"""Values are sealed as the controller of sealed-secrets opens them, and to nobody who may not have them."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.core.access.face import Face
from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.protocol.keyholding import SealValues
from tests.component.faces import rules_by_process
from tests.component.keyholders import Chain, ask
from tests.component.requesting import code
from tests.component.world import ME, PROD, STRANGER, Context, Replied, World, run

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


PUBLIC = _public(PRIVATE)


def opened(sealed: bytes, label: str) -> bytes:
    """Open a value as the controller does (docs/developer/crypto.md of sealed-secrets)."""
    data = base64.b64decode(sealed)
    size = int.from_bytes(data[:2], "big")
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label.encode())
    key = PRIVATE.decrypt(data[2 : 2 + size], oaep)
    assert len(key) == 32
    return AESGCM(key).decrypt(bytes(12), data[2 + size :], None)


def _rows(blob: bytes) -> dict[str, bytes]:
    return {name.decode(): value for name, _, value in (row.partition(b"=") for row in blob.split(b"\0")[:-1])}


def _sealed(chain: Chain, *names: str, key: str = PUBLIC, label: str = "shop/web") -> dict[str, bytes]:
    layer = chain.layer(len(chain.records), 0, 1)
    answer = ask(chain.link, SealValues((layer,), names, key, label), (chain.records[-1], chain.key))
    return _rows(answer.blobs[0])


@pytest.mark.parametrize("label", ["shop/web", "shop", ""])
def test_a_value_is_opened_with_its_label_and_with_no_other(chain: Chain, label: str) -> None:
    found = _sealed(chain, "B", label=label)
    assert list(found) == ["B"]
    assert opened(found["B"], label) == b"two words"
    with pytest.raises((ValueError, InvalidTag)):
        opened(found["B"], f"{label}x")


def test_the_same_value_is_sealed_otherwise_each_time(chain: Chain) -> None:
    assert _sealed(chain, "B") != _sealed(chain, "B")


SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused


@pytest.mark.parametrize(
    "key", ["", "!", "AAAA", _public(ec.generate_private_key(ec.SECP256R1())), _public(SHORT)], ids=range(5)
)
def test_what_is_no_key_of_rsa_or_a_short_one_is_refused(chain: Chain, key: str) -> None:
    with pytest.raises(BadRequest):
        _sealed(chain, "B", key=key)


@pytest.fixture(scope="module")
def asked(shared: World) -> World:
    return shared


REQUEST = control.SealView("/shop/prod", PUBLIC, "shop/web")


def _replied(world: World, request: control.SealView, face: Face) -> Replied:
    rules_by_process(world).show(Context(), face)
    return run(lambda: world.sent(request, ME))


def test_a_view_is_sealed_with_the_values_of_all_of_its_levels(asked: World) -> None:
    replied = _replied(asked, REQUEST, Face())
    assert isinstance(replied.reply, control.ViewSealed)
    found = {name: opened(value, "shop/web") for name, value in _rows(replied.blob).items()}
    assert b"".join(b"%s=%s\n" % (name.encode(), value) for name, value in found.items()) == PROD.encode()
    assert (asked.entries()[-1]["event"], asked.entries()[-1]["channel"]) == ("read", "export")


def test_of_those_that_are_chosen_none_may_be_missing(asked: World) -> None:
    assert list(_rows(_replied(asked, REQUEST._replace(only=("LOG",)), Face()).blob)) == ["LOG"]
    assert code(_replied(asked, REQUEST._replace(only=("LOG", "NOPE")), Face()).reply) == "no-such-variable"


def test_a_caller_with_some_names_gets_these(asked: World) -> None:
    some = Face(only=("LOG", "PAG*"))
    assert set(_rows(_replied(asked, REQUEST, some).blob)) == {"LOG", "PAGER"}
    assert code(_replied(asked, REQUEST._replace(only=("DATABASE_URL",)), some).reply) == "no-such-variable"


def test_a_caller_with_placeholders_gets_nothing_and_that_is_in_the_log(asked: World) -> None:
    assert code(_replied(asked, REQUEST, Face(masked=True)).reply) == "not-approved"
    assert asked.entries()[-1]["event"] == "refuse"


def test_a_stranger_gets_nothing(world: World) -> None:
    assert code(run(lambda: world.ask(REQUEST, STRANGER))) == "not-approved"


@pytest.mark.parametrize("change", [{"key": "A" * 5000}, {"label": "x" * 600}, {"key": "AAAA"}], ids=range(3))
def test_what_is_too_long_or_no_key_is_refused(asked: World, change: dict[str, str]) -> None:
    assert code(_replied(asked, REQUEST._replace(**change), Face()).reply) == "bad-request"
