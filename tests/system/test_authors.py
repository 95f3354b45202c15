"""A vault with a list of authors: whose records count is decided by the list at that point (docs/format.md §10).

There is no command that writes the list yet: `forger` does it, as another program of the owner's would.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import forger
from tests.system.forger import Header, Pen
from tests.system.home import Home
from tests.system.probing import attempt

_MEMBER = "envfs-member"
_LEVEL = "level/shop/prod"


@pytest.fixture
def shop(shop: Home) -> Iterator[Home]:
    """Give one test the realistic files, served: a command beside a daemon costs a tenth of one alone."""
    with shop.served():
        yield shop


@pytest.fixture
def owner(shop: Home, ground: Path) -> Pen:
    """Give the owner's own pen for project `shop`."""
    return forger.owners_pen(ground / "identity.txt", shop.vault / "key/shop/@00000001.age")


@pytest.fixture
def mary(owner: Pen) -> Pen:
    """Give another author's pen."""
    signing = forger.new_signing_key()
    return Pen(signing, forger.public(signing), owner.sealing)


def _list(home: Home) -> Path:
    return home.vault / "member"


def _allow(home: Home, owner: Pen, *authors: Pen) -> None:
    forger.statement(_MEMBER, _list(home), owner, {"kind": "found", "author": owner.author})
    for author in authors:
        forger.statement(_MEMBER, _list(home), owner, {"kind": "allow", "author": author.author})


def _revoke(home: Home, owner: Pen, author: Pen, last: dict[str, Path]) -> None:
    points = {stream: [int(path.stem[1:]), forger.digest(path)] for stream, path in last.items()}
    forger.statement(_MEMBER, _list(home), owner, {"kind": "revoke", "author": author.author, "last": points})


def _point(home: Home, number: int) -> Header:
    return {"members": [number, forger.digest(_list(home) / f"@{number:08d}.json")]}


def _prod(home: Home, number: int) -> Path:
    return home.vault / _LEVEL / f"@{number:08d}.json"


def _is_refused(home: Home, words: str) -> None:
    said = home.envfs("get", "/shop/prod", "A", status=110)
    assert (said.out, words in said.complaint) == (b"", True), said
    assert words in home.envfs("verify", status=110).text


def test_a_record_of_an_author_whom_the_owner_allowed_counts(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    forger.next_record(_prod(shop, 1), mary, "A=of mary\n", _point(shop, 2))
    with shop.served():
        assert shop.envfs("get", "/shop/prod", "A").text == "of mary\n"
        assert b"of mary" in shop.view("/shop/prod").read_bytes()
        rows = shop.rows("history", "/shop/prod")
        assert [row["author"] for row in rows] == [mary.author, owner.author]
        assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_what_the_owner_writes_names_the_newest_entry(shop: Home, owner: Pen, mary: Pen) -> None:
    shop.envfs("set", "/shop", "BEFORE", given="1")
    _allow(shop, owner, mary)
    shop.envfs("set", "/shop/prod", "A", given="1")
    shop.envfs("set", "/new", "A", given="1")
    shop.envfs("key", "rotate", "shop")
    newest = _point(shop, 2)["members"]
    assert "members" not in forger.header_of(shop.vault / "level/shop/@00000002.json")
    for path in (_prod(shop, 2), shop.vault / "level/new/@00000001.json", shop.vault / "level/shop/@00000003.json"):
        assert forger.header_of(path)["members"] == newest
    assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_an_author_who_is_not_in_the_list_does_not_count(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner)
    forger.next_record(_prod(shop, 1), mary, "A=1\n", _point(shop, 1))
    _is_refused(shop, "signed by somebody else than the vault's owner")


def test_without_naming_the_list_only_the_owner_counts(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    forger.next_record(_prod(shop, 1), mary, "A=1\n")
    _is_refused(shop, "signed by somebody else")


def test_what_was_written_before_the_right_was_taken_away_counts_on(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    second = forger.next_record(_prod(shop, 1), mary, "A=of mary\n", _point(shop, 2))
    _revoke(shop, owner, mary, {_LEVEL: second})
    assert shop.envfs("get", "/shop/prod", "A").text == "of mary\n"
    shop.envfs("set", "/shop/prod", "B", given="1")
    assert forger.header_of(_prod(shop, 3))["members"] == _point(shop, 3)["members"]
    assert shop.envfs("verify").text.endswith(" 0 failed\n")


def test_what_is_delivered_afterwards_does_not_though_it_names_an_older_list(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    second = forger.next_record(_prod(shop, 1), mary, "A=1\n", _point(shop, 2))
    _revoke(shop, owner, mary, {_LEVEL: second})
    forger.next_record(second, mary, "A=2\n", _point(shop, 2))
    _is_refused(shop, "signed by somebody else")


def test_another_record_in_the_place_of_the_last_one_that_counts_does_not(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    second = forger.next_record(_prod(shop, 1), mary, "A=1\n", _point(shop, 2))
    _revoke(shop, owner, mary, {_LEVEL: second})
    second.unlink()
    forger.next_record(_prod(shop, 1), mary, "A=2\n", _point(shop, 2))
    _is_refused(shop, "signed by somebody else")


def test_another_author_changes_neither_keys_nor_the_list_nor_forgets(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    _list_entry = forger.statement(_MEMBER, _list(shop), mary, {"kind": "allow", "author": forger.encoded(bytes(32))})
    said = shop.envfs("get", "/shop/prod", "S3_BUCKET", status=110)
    assert "its signer had no right to it" in said.complaint
    assert "member/@00000003.json" in shop.envfs("verify", status=110).text
    _list_entry.unlink()
    tombstone = {"forgotten": [[1, forger.digest(_prod(shop, 1))]]}
    forger.statement("envfs-tombstone", shop.vault / f"tombstone/{_LEVEL}", mary, tombstone)
    assert f"tombstone/{_LEVEL}/@00000001.json" in shop.envfs("verify", status=110).text


def test_a_list_that_was_put_back_is_noticed(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    second = forger.next_record(_prod(shop, 1), mary, "A=1\n", _point(shop, 2))
    _revoke(shop, owner, mary, {_LEVEL: second})
    shop.envfs("set", "/shop", "SEEN", given="1")
    (_list(shop) / "@00000003.json").unlink()
    assert shop.envfs("get", "/shop/prod", "A", status=111).out == b""
    assert "member is older than what this machine has seen" in shop.envfs("verify", status=110).text
    shop.envfs("unmount")
    shop.forget()  # on a machine that never saw it, by the record that names the entry which is gone
    said = shop.envfs("get", "/shop", "SEEN", status=110)
    assert "names members that this vault does not have" in said.complaint


def test_a_list_that_is_gone_takes_the_right_with_it(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    forger.next_record(_prod(shop, 1), mary, "A=1\n", _point(shop, 2))
    shutil.rmtree(_list(shop))
    _is_refused(shop, "names members that this vault does not have")


def test_another_list_is_noticed_by_the_next_record(shop: Home, owner: Pen, mary: Pen) -> None:
    _allow(shop, owner, mary)
    point = _point(shop, 2)
    shutil.rmtree(_list(shop))
    other = forger.new_signing_key()
    _allow(shop, owner, mary._replace(author=forger.public(other)))
    forger.next_record(_prod(shop, 1), owner, "A=1\n", point)
    _is_refused(shop, "names members that this vault does not have")


@pytest.mark.parametrize("how", ["changed", "emptied", "critical"])
def test_a_list_that_cannot_be_read_stops_what_needs_it(shop: Home, owner: Pen, mary: Pen, how: str) -> None:
    _allow(shop, owner, mary)
    entry = _list(shop) / "@00000002.json"
    match how:
        case "changed":
            entry.write_bytes(entry.read_bytes().replace(b'"signature":"', b'"signature":"A', 1))
        case "emptied":
            entry.write_bytes(b"")
        case _:
            entry.unlink()
            beside: Header = {"ext": {"a": 1, "crit": ["a"]}, "crit": ["ext"]}
            body: Header = {"kind": "allow", "author": mary.author}
            forger.statement(_MEMBER, _list(shop), owner, body, beside)
    with shop.served():
        status, name = (114, "EPROTONOSUPPORT") if how == "critical" else (110, "EBADMSG")
        shop.envfs("get", "/shop/prod", "S3_BUCKET", status=status)
        assert attempt(0, "read", shop.view("/shop/prod")).how == name
        shop.envfs("set", "/shop/prod", "A", given="1", status=status)
        shop.envfs("set", "/new", "A", given="1", status=status)
        faults = json.loads(shop.envfs("verify", "--json", status=110).out)["faults"]
        assert "member/@00000002.json" in {fault["key"] for fault in faults}


def test_a_backup_of_before_the_list_is_accepted_by_a_person(shop: Home, owner: Pen, mary: Pen) -> None:
    saved = shop.path.with_name(f"{shop.path.name}-vault")
    shutil.copytree(shop.vault, saved)
    _allow(shop, owner, mary)
    shop.envfs("set", "/shop/prod", "A", given="1")
    shutil.rmtree(shop.vault)
    shutil.copytree(saved, shop.vault)
    for level in ("/shop/prod", "/shop", "/"):
        shop.envfs("accept", level, "-y")
        assert shop.envfs("get", "/shop/prod", "S3_BUCKET").text == "crane-shop-prod\n"
