"""A vault that somebody changed: each record is bound to its bytes and to its place, and `verify` names the bad one."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.alone import verified
from tests.system.home import Home
from tests.system.probing import attempt

_PLACES = (0.0, 0.1, 0.3, 0.55, 0.8, 0.97, 1.0)  # of a record's length: in each of its fields
_BAD = (110, 111)  # authentication-failed, or rolled-back where this machine has seen the true record
_LEVELS = ("/", "/blog", "/shop", "/shop/prod")


@pytest.fixture(scope="module")
def versions(new_home: Homes) -> Home:
    """Give a home with some versions at four levels of three projects, not served. To be copied."""
    home = new_home()
    with home.served():
        for number in range(1, 4):
            for level in _LEVELS:
                home.envfs("set", level, f"VALUE_{level.count('/')}", given=f"{level} {number}")
    return home


@pytest.fixture
def one(new_home: Homes, versions: Home) -> Home:
    """Give one test a copy of it."""
    return new_home(versions)


@pytest.fixture
def unseen(one: Home) -> Home:
    """Give one test a copy on a machine that sees the vault for the first time."""
    one.forget()
    return one


def _key(home: Home, record: Path) -> str:
    return str(record.relative_to(home.vault))


def _flip(record: Path, place: float, bit: int) -> None:
    data = bytearray(record.read_bytes())
    data[min(int(place * len(data)), len(data) - 1)] ^= bit
    record.write_bytes(data)


def _faults(home: Home) -> dict[str, str]:
    """Return what `verify` says, by the record that it names."""
    answer = verified(home)
    assert answer.reply["failed"] == len(answer.rows)
    return {str(fault["key"]): str(fault["reason"]) for fault in answer.rows}


def test_there_are_records_of_both_kinds(versions: Home) -> None:
    checkpoints = sum(record.parent.parent.name == "log" for record in versions.records())
    assert checkpoints
    kinds = [record.suffix for record in versions.records()]
    assert (kinds.count(".age"), kinds.count(".json")) == (3, 12 + checkpoints)
    assert _faults(versions) == {}


@pytest.mark.parametrize(("place", "seen"), [*((place, True) for place in _PLACES), (0.3, False), (0.97, False)])
def test_verify_names_every_record_in_which_one_bit_was_flipped(one: Home, place: float, seen: bool) -> None:
    if not seen:
        one.forget()
    records = one.records()
    for record in records:
        _flip(record, place, 1 << random.Random(str(record.name) + str(place)).randrange(7))
    assert {_key(one, record) for record in records} <= _faults(one).keys()


def test_verify_names_the_one_record_in_which_one_bit_was_flipped_and_forgets_it_once_mended(one: Home) -> None:
    with one.served():
        for record in [path for path in one.records() if "shop" in str(path)]:
            whole = record.read_bytes()
            _flip(record, 0.6, 4)
            assert _key(one, record) in _faults(one), record
            record.write_bytes(whole)
        assert _faults(one) == {}


def test_on_a_machine_that_is_new_to_the_vault_it_is_the_same(unseen: Home) -> None:
    for record in [path for path in unseen.records() if "blog" in str(path)]:
        whole = record.read_bytes()
        _flip(record, 0.6, 4)
        assert _key(unseen, record) in _faults(unseen), record
        record.write_bytes(whole)
    assert _faults(unseen) == {}


def _answers(home: Home) -> dict[str, str]:
    return {level: attempt(0, "read", home.view(level)).how for level in _LEVELS}


_ABOVE = {  # a record of each stream's head, and the views that are made from it
    "level/@00000003.json": _LEVELS,
    "level/blog/@00000003.json": ("/blog",),
    "level/shop/@00000003.json": ("/shop", "/shop/prod"),
    "level/shop/prod/@00000003.json": ("/shop/prod",),
    "key/@00000001.age": _LEVELS,
    "key/blog/@00000001.age": ("/blog",),
    "key/shop/@00000001.age": ("/shop", "/shop/prod"),
}


@pytest.mark.parametrize(
    ("key", "seen"),
    [*((key, True) for key in _ABOVE), ("level/shop/@00000003.json", False), ("key/shop/@00000001.age", False)],
)
def test_views_made_from_a_flipped_record_are_ebadmsg_and_others_are_right(one: Home, key: str, seen: bool) -> None:
    if not seen:
        one.forget()
    _flip(one.vault / key, 0.6, 2)
    with one.served():
        expected = {level: "EBADMSG" if level in _ABOVE[key] else "ok" for level in _LEVELS}
        assert _answers(one) == expected
        assert attempt(0, "stat", one.view(_ABOVE[key][0])).how == "EBADMSG"
        said = one.envfs("get", _ABOVE[key][-1], "VALUE_1", status=None)
        assert said.status in _BAD
        assert said.out == b""
        assert one.envfs("exec", _ABOVE[key][-1], "--", "env", status=None).status in _BAD


def test_a_flip_under_a_running_daemon_is_noticed(one: Home) -> None:
    """What was read before may be served from memory; what is read from the disk from now on must not pass."""
    with one.served():
        assert attempt(0, "read", one.view("/shop/prod")).how == "ok"
        record = one.vault / "level" / "shop" / "prod" / "@00000003.json"
        changed = record.with_name("changed")
        shutil.copy(record, changed)
        _flip(changed, 0.6, 2)
        changed.replace(record)
        assert attempt(0, "read", one.view("/shop/prod")).how == "EBADMSG"
        assert attempt(0, "read", one.view("/shop/prod")).how == "EBADMSG"
        assert attempt(0, "read", one.view("/shop")).how == "ok"
        assert "level/shop/prod" in str(_faults(one))


@pytest.mark.parametrize("version", [1, 2])
def test_a_flip_in_an_old_version_spoils_it_and_the_one_that_names_its_digest(one: Home, version: int) -> None:
    _flip(one.vault / "level" / "shop" / "prod" / f"@0000000{version}.json", 0.6, 2)
    with one.served():
        answers = {n: attempt(0, "read", one.history_view("/shop/prod", n)).how for n in (1, 2, 3)}
        assert answers == {1: "ok", 2: "ok", 3: "ok", version: "EBADMSG", version + 1: "EBADMSG"}
        one.envfs("rollback", "/shop/prod", str(version), "-y", status=110)
        one.envfs("history", "/shop/prod", status=110)
        assert attempt(0, "read", one.view("/shop")).how == "ok"


@pytest.mark.parametrize(
    "damage", ["emptied", "a byte more", "a byte less", "a line feed more", "two records", "a folder"]
)
def test_a_record_that_is_no_record_is_refused_and_named(unseen: Home, damage: str) -> None:
    record = unseen.vault / "level" / "blog" / "@00000003.json"
    data = record.read_bytes()
    record.unlink()
    if damage == "a folder":
        record.mkdir()
    else:
        made = {"emptied": b"", "a byte more": data + b" ", "a byte less": data[:-1], "a line feed more": data + b"\n"}
        record.write_bytes(made.get(damage, data + data))
    assert unseen.envfs("get", "/blog", "VALUE_1", status=None).status in (110, 113)
    if damage != "a folder":
        assert _key(unseen, record) in _faults(unseen)
    assert unseen.envfs("get", "/shop", "VALUE_1").text == "/shop 3\n"


_COPIES = {
    "to another level": ("level/shop/@00000003.json", "level/shop/prod/@00000003.json", "/shop/prod"),
    "to another number": ("level/shop/@00000002.json", "level/shop/@00000003.json", "/shop"),
    "to the next number": ("level/shop/@00000003.json", "level/shop/@00000004.json", "/shop"),
    "an old one to the next number": ("level/shop/@00000001.json", "level/shop/@00000004.json", "/shop"),
    "to another project": ("level/blog/@00000003.json", "level/shop/@00000003.json", "/shop"),
    "to the top": ("level/shop/@00000003.json", "level/@00000003.json", "/"),
    "a key to another project": ("key/blog/@00000001.age", "key/shop/@00000001.age", "/shop"),
    "a key to the next number": ("key/blog/@00000001.age", "key/shop/@00000002.age", "/shop"),
    "an old key to the next number": ("key/shop/@00000001.age", "key/shop/@00000002.age", "/shop"),
}


@pytest.mark.parametrize(
    ("what", "seen"),
    [*((what, True) for what in _COPIES), *((what, False) for what in _COPIES if what.endswith("another project"))],
)
def test_a_record_copied_to_another_place_is_refused_and_named(one: Home, what: str, seen: bool) -> None:
    if not seen:
        one.forget()
    source, target, level = _COPIES[what]
    shutil.copy(one.vault / source, one.vault / target)
    with one.served():
        assert attempt(0, "read", one.view(level)).how == "EBADMSG"
        assert one.envfs("get", level, "VALUE_1", status=None).status in _BAD
        one.envfs("set", level, "MORE", given="x", status=None)
        assert attempt(0, "read", one.view(level)).how == "EBADMSG"
    assert target in _faults(one)


def test_a_level_planted_from_another_is_refused_and_named(one: Home) -> None:
    for top in ("level", "tree"):
        shutil.copytree(one.vault / top / "shop" / "prod", one.vault / top / "shop" / "planted")
    with one.served():
        assert attempt(0, "read", one.view("/shop/planted")).how == "EBADMSG"
        assert _answers(one) == dict.fromkeys(_LEVELS, "ok")
    assert "level/shop/planted/@00000001.json" in _faults(one)


def test_a_record_of_another_vault_of_the_same_owner_is_refused(one: Home, shop: Home) -> None:
    """Copies of one home share an id, so the other vault is made anew with the same identity."""
    description = shop.vault / "vault.toml"
    text = description.read_text(encoding="utf-8")
    mine = (one.vault / "vault.toml").read_text(encoding="utf-8")
    other = text.replace(text.split('id = "')[1][:36], "00000000-0000-4000-8000-000000000000")
    (one.vault / "vault.toml").write_text(other, encoding="utf-8")
    assert mine.splitlines()[2] == text.splitlines()[2]
    for level in _LEVELS:
        assert one.envfs("get", level, "VALUE_1", status=None).status in _BAD
    assert {_key(one, record) for record in one.records()} <= _faults(one).keys()


@pytest.mark.parametrize("field", ["recipient", "signing_key"])
def test_an_owner_planted_in_the_description_opens_nothing(one: Home, ground: Path, field: str) -> None:
    thief = Home(ground / f"thief-{field}")
    thief.envfs("init", "--identity-file", str(ground / f"thief-{field}.txt"))
    description = one.vault / "vault.toml"
    lines = description.read_text(encoding="utf-8").splitlines()
    theirs = (thief.vault / "vault.toml").read_text(encoding="utf-8").splitlines()
    planted = [next(t for t in theirs if t.startswith(field)) if line.startswith(field) else line for line in lines]
    assert planted != lines
    description.write_text("\n".join(planted) + "\n", encoding="utf-8")
    assert one.envfs("mount", status=None).status == 110
    assert "not the vault's owner" in one.envfs("get", "/shop", "VALUE_1", status=110).complaint
    one.settle()
    thief.settle()


@pytest.fixture(autouse=True)
def _no_process_is_left(versions: Home) -> Iterator[None]:
    yield
    versions.settle()
