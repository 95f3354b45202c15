"""What other programs add to a record is carried on; what they call critical is not passed over (docs/format.md §4)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import forger
from tests.system.forger import Pen
from tests.system.home import Home, Said
from tests.system.probing import attempt

_EXT: forger.Header = {"colour": "red", "policy": {"of": ["a", 7, True]}}
_CRITICAL: forger.Header = {"ext": {"crit": ["policy"], "policy": "ask"}, "crit": ["ext"]}
_UNKNOWN = "needs an extension that this release does not know"


@pytest.fixture
def shop(shop: Home) -> Iterator[Home]:
    """Give one test the realistic files, served: a command beside a daemon costs a tenth of one alone."""
    with shop.served():
        yield shop


@pytest.fixture
def owner(shop: Home, ground: Path) -> Pen:
    """Give the owner's own pen for project `shop`."""
    return forger.owners_pen(ground / "identity.txt", shop.vault / "key/shop/@00000001.age")


def _prod(home: Home, number: int) -> Path:
    return home.vault / f"level/shop/prod/@{number:08d}.json"


def _newest_key(home: Home, identity: Path) -> forger.Header:
    path = max((home.vault / "key/shop").glob("@*.age"))
    done = subprocess.run(["age", "-d", "-i", identity, path], check=True, capture_output=True)
    header: forger.Header = json.loads(forger.decoded(json.loads(done.stdout)["protected"]))
    return header


def test_what_is_not_critical_goes_on_from_version_to_version(shop: Home, owner: Pen) -> None:
    forger.next_record(_prod(shop, 1), owner, "A=1\n", {"ext": _EXT})
    shop.envfs("set", "/shop/prod", "B", "-m", "why", given="2")
    shop.envfs("set", "/shop/prod", "C", "--template", given="${B}")
    shop.envfs("rename", "/shop/prod", "B", "D")
    shop.envfs("unset", "/shop/prod", "D")
    shop.envfs("import", "-", "/shop/prod", given="E=1\n")
    shop.envfs("import", "-", "/shop/prod", "--replace", given="F=1\n")
    shop.envfs("key", "rotate", "shop")
    shop.envfs("rollback", "/shop/prod", "2", "-y")
    written = [forger.header_of(_prod(shop, number)).get("ext") for number in range(1, 11)]
    assert written == [None, *[_EXT] * 9]
    assert shop.envfs("get", "/shop/prod", "A").text == "1\n"
    assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_a_rollback_takes_that_of_the_old_text(shop: Home, owner: Pen) -> None:
    second = forger.next_record(_prod(shop, 1), owner, "A=1\n", {"ext": {"colour": "red"}})
    forger.next_record(second, owner, "A=2\n", {"ext": {"colour": "blue"}})
    for version, ext in ((2, {"colour": "red"}), (1, None), (3, {"colour": "blue"})):
        shop.envfs("rollback", "/shop/prod", str(version), "-y")
        newest = max((shop.vault / "level/shop/prod").glob("@*.json"))
        assert forger.header_of(newest).get("ext") == ext


def test_that_of_a_key_file_goes_on_to_the_next(shop: Home, owner: Pen, ground: Path) -> None:
    identity = ground / "identity.txt"
    _plant_key(shop, owner, {"ext": _EXT})
    shop.envfs("project", "recipients", "shop", "--add", _SOMEBODY)
    shop.envfs("key", "rotate", "shop")
    assert (_newest_key(shop, identity)["seq"], _newest_key(shop, identity)["ext"]) == (4, _EXT)
    phrase = shop.knowing()["ENVFS_PASSPHRASE_FILE"]
    own = {"ENVFS_PROJECT_PASSPHRASE_FILE": phrase}
    shop.envfs("project", "custody", "shop", "--zero-knowledge", "-y", "--passphrase-file", phrase, environ=own)
    shop.envfs("project", "custody", "shop", "--managed", "-y", "--passphrase-file", phrase, environ=own)
    assert (_newest_key(shop, identity)["seq"], _newest_key(shop, identity)["ext"]) == (6, _EXT)
    assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_a_record_with_something_critical_is_not_read(shop: Home, owner: Pen) -> None:
    forger.next_record(_prod(shop, 1), owner, "A=hunter2\n", _CRITICAL)
    with shop.served():
        for words in (("get", "/shop/prod", "A"), ("exec", "/shop/prod", "--", "env"), ("export", "/shop/prod")):
            _is_unsupported(shop.envfs(*words, status=114))
        assert attempt(0, "read", shop.view("/shop/prod")).how == "EPROTONOSUPPORT"
        assert attempt(0, "read", shop.history_view("/shop/prod", 2)).how == "EPROTONOSUPPORT"
        assert shop.history_view("/shop/prod", 1).read_bytes()
        assert shop.view("/shop").read_bytes()


def test_nothing_is_written_after_it(shop: Home, owner: Pen) -> None:
    forger.next_record(_prod(shop, 1), owner, "A=hunter2\n", _CRITICAL)
    _is_unsupported(shop.envfs("set", "/shop/prod", "B", given="1", status=114))
    _is_unsupported(shop.envfs("unset", "/shop/prod", "A", status=114))
    _is_unsupported(shop.envfs("rollback", "/shop/prod", "1", "-y", status=114))
    _is_unsupported(shop.envfs("import", "-", "/shop/prod", "--replace", given="A=1\n", status=114))
    shop.envfs("key", "rotate", "shop", status=114)
    assert not _prod(shop, 3).exists()


def test_it_keeps_no_other_level_from_a_new_key(shop: Home, owner: Pen) -> None:
    forger.next_record(_prod(shop, 1), owner, "A=hunter2\n", _CRITICAL)
    _is_unsupported(shop.envfs("key", "rotate", "shop", status=114))
    levels = {row["newest"]: row["levels"] for row in shop.rows("key", "ls", "shop")}
    assert levels == {True: 1, False: 1}
    assert [row["unfinished"] for row in shop.rows("project", "ls") if row["project"] == "/shop"] == [True]


def test_history_and_verify_name_it_and_go_on(shop: Home, owner: Pen) -> None:
    forger.next_record(_prod(shop, 1), owner, "A=hunter2\n", _CRITICAL)
    listed = shop.envfs("history", "/shop/prod", status=110)
    assert listed.text.startswith("1\t")
    assert f"record 2 of level/shop/prod {_UNKNOWN}: policy" in listed.complaint
    assert f"record 2 of level/shop/prod {_UNKNOWN}: policy" in shop.envfs("verify", status=110).text


def test_a_key_file_with_something_critical_opens_nothing(shop: Home, owner: Pen) -> None:
    _plant_key(shop, owner, _CRITICAL)
    said = shop.envfs("get", "/shop/prod", "S3_BUCKET", status=114)
    assert f"key file 2 of project /shop {_UNKNOWN}" in said.complaint
    assert f"key file 2 of project /shop {_UNKNOWN}" in shop.envfs("verify", status=110).text
    assert shop.envfs("get", "/", "TZ_NAME").text == "Europe/Berlin\n"


def test_of_a_record_that_is_not_the_owners_nothing_more_is_said(shop: Home, owner: Pen) -> None:
    thief = owner._replace(signing=forger.new_signing_key())
    forger.next_record(_prod(shop, 1), thief, "A=1\n", _CRITICAL)
    said = shop.envfs("get", "/shop/prod", "A", status=110)
    assert "policy" not in said.complaint


_SOMEBODY = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"


def _is_unsupported(said: Said) -> None:
    assert f"record 2 of level/shop/prod {_UNKNOWN}: policy" in said.complaint
    assert (b"hunter2" in said.out, "hunter2" in said.complaint) == (False, False)


def _plant_key(home: Home, owner: Pen, beside: forger.Header) -> None:
    # as another program of the owner's would: a key file that follows the first one
    first, second = (home.vault / f"key/shop/@{number:08d}.age" for number in (1, 2))
    header = {name: value for name, value in forger.header_of(_prod(home, 1)).items() if name != "note"}
    place: forger.Header = {"stream": "key/shop", "seq": 2, "prev": forger.digest(first)}
    recipient = forger.recipient_of(home.vault)
    second.write_bytes(forger.key_file(header | place | beside, owner, recipient))
