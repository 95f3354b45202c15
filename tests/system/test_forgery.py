"""What the owner did not sign does not open, even where the project's key was stolen and all the rest fits.

`forger` writes records from docs/format.md alone; that the owner's own pen makes a good one shows that it writes well.
"""

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.system import forger
from tests.system.forger import Pen
from tests.system.home import Home
from tests.system.probing import attempt


@pytest.fixture
def shop(shop: Home) -> Iterator[Home]:
    """Give one test the realistic files, served: a command beside a daemon costs a tenth of one alone."""
    with shop.served():
        yield shop


@pytest.fixture
def owner(shop: Home, ground: Path) -> Pen:
    """Give the owner's own pen for project `shop`."""
    signing = forger.owners_key(ground / "identity.txt")
    sealing = forger.project_key(ground / "identity.txt", shop.vault / "key" / "shop" / "@00000001.age")
    return Pen(signing, forger.public(signing), sealing)


def _newest(home: Home) -> Path:
    return home.vault / "level" / "shop" / "@00000001.json"


def _is_refused(home: Home, key: str, level: str = "/shop") -> None:
    assert home.envfs("get", level, "FORGED", status=110).out == b""
    with home.served():
        assert attempt(0, "read", home.view(level)).how == "EBADMSG"
        report = json.loads(home.envfs("verify", "--json", status=110).out)
        assert key in {fault["key"] for fault in report["faults"]}


def test_a_record_written_from_the_documented_format_opens(shop: Home, owner: Pen) -> None:
    forger.next_record(_newest(shop), owner, "FORGED=no, written by the owner's own pen\n")
    assert shop.envfs("get", "/shop", "FORGED").text == "no, written by the owner's own pen\n"
    assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_a_stolen_project_key_does_not_make_an_author(shop: Home, owner: Pen) -> None:
    thief = Ed25519PrivateKey.generate()
    forger.next_record(_newest(shop), owner._replace(signing=thief), "FORGED=yes\n")
    _is_refused(shop, "level/shop/@00000002.json")


def test_another_author_who_signs_rightly_is_not_the_owner(shop: Home, owner: Pen) -> None:
    thief = Ed25519PrivateKey.generate()
    forger.next_record(_newest(shop), Pen(thief, forger.public(thief), owner.sealing), "FORGED=yes\n")
    _is_refused(shop, "level/shop/@00000002.json")


def test_the_owners_signature_of_another_record_fits_no_other(shop: Home, owner: Pen) -> None:
    forged = forger.next_record(_newest(shop), owner, "FORGED=yes\n")
    body = json.loads(forged.read_bytes())
    body["signature"] = json.loads(_newest(shop).read_bytes())["signature"]
    forged.write_bytes(forger.compact(body) + b"\n")
    _is_refused(shop, "level/shop/@00000002.json")


def test_a_record_that_the_owner_signed_for_another_place_does_not_open_here(shop: Home, owner: Pen) -> None:
    target = forger.next_record(_newest(shop), owner, "FORGED=yes\n")
    right = forger.header_of(target)
    with shop.served():
        for change in _ELSEWHERE:
            target.unlink()
            target.write_bytes(forger.record(right | change, owner, "FORGED=yes\n"))
            assert attempt(0, "read", shop.view("/shop")).how == "EBADMSG", change
            assert shop.envfs("get", "/shop", "FORGED", status=110).out == b"", change
    _is_refused(shop, "level/shop/@00000002.json")


_ELSEWHERE: tuple[forger.Header, ...] = (
    {"seq": 7},
    {"stream": "level/shop/prod"},
    {"vault": "x"},
    {"prev": ""},
    {"kid": "x"},
    {"alg": "none"},
    {"enc": "A128GCM"},
    {"typ": "x"},
)


@pytest.mark.parametrize("signed_by_owner_for_another_place", [True, False])
def test_a_key_that_anybody_can_seal_to_the_owner_is_no_project_key(
    shop: Home, owner: Pen, *, signed_by_owner_for_another_place: bool
) -> None:
    """A whole project planted: the recipient is public, so age alone opens it."""
    thief = Ed25519PrivateKey.generate()
    pen = Pen(thief, owner.author, os.urandom(32))
    if signed_by_owner_for_another_place:
        pen = owner
    recipient = tomllib.loads((shop.vault / "vault.toml").read_text(encoding="utf-8"))["owner"]["recipient"]
    header = forger.header_of(_newest(shop)) | {"seq": 1, "prev": "", "stream": "key/planted"}
    if signed_by_owner_for_another_place:
        header["stream"] = "key/shop"
    for top in ("key", "level", "tree"):
        (shop.vault / top / "planted").mkdir()
    (shop.vault / "tree" / "planted" / "@").touch()
    (shop.vault / "key" / "planted" / "@00000001.age").write_bytes(forger.key_file(header, pen, recipient))
    level = header | {"stream": "level/planted", "kid": forger.kid(pen.sealing)}
    (shop.vault / "level" / "planted" / "@00000001.json").write_bytes(
        forger.record(level, owner._replace(sealing=pen.sealing), "FORGED=yes\n")
    )
    _is_refused(shop, "key/planted/@00000001.age", "/planted")


def test_a_forged_record_that_was_removed_again_leaves_no_trace(shop: Home, owner: Pen) -> None:
    """It must not pass for something that this machine has seen."""
    forged = forger.next_record(_newest(shop), owner._replace(signing=Ed25519PrivateKey.generate()), "FORGED=yes\n")
    _is_refused(shop, "level/shop/@00000002.json")
    forged.unlink()
    assert shop.envfs("verify").text.endswith(" 0 failed\n")
    assert shop.envfs("get", "/shop", "APP_NAME").text == "shop\n"
