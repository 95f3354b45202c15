"""Records that were forgotten, told from records that somebody emptied (docs/format.md §9)."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system import forger
from tests.system.alone import verified
from tests.system.forger import Pen
from tests.system.home import Home, eventually

_LEVEL, _KEYS = "level/shop/prod", "key/shop"
_TOMBSTONE = "envfs-tombstone"


@pytest.fixture(scope="module")
def grown(new_home: Homes, stocked: Home) -> Home:
    """Give a home with five versions of /shop/prod, whose key was rotated after the third. To be copied."""
    home = new_home(stocked)
    with home.served():
        for number in (2, 3):
            home.envfs("set", "/shop/prod", "N", given=str(number))
        home.envfs("key", "rotate", "shop")
        home.envfs("set", "/shop/prod", "N", given="5")
    return home


@pytest.fixture
def forgetting(new_home: Homes, grown: Home) -> Home:
    """Give one test a copy of it."""
    return new_home(grown)


@pytest.fixture
def owner(forgetting: Home, ground: Path) -> Pen:
    """Give the owner's own pen."""
    return forger.owners_pen(ground / "identity.txt", forgetting.vault / "key/shop/@00000002.age")


def _record(home: Home, number: int, level: str = _LEVEL) -> Path:
    return home.vault / level / f"@{number:08d}.json"


def _named(home: Home, *numbers: int) -> forger.Header:
    return {"forgotten": [[number, forger.digest(_record(home, number))] for number in numbers]}


def _bury(home: Home, pen: Pen, *numbers: int, stream: str = f"tombstone/{_LEVEL}") -> None:
    forger.statement(_TOMBSTONE, home.vault / stream, pen, _named(home, *numbers))
    _empty(home, *numbers)


def _empty(home: Home, *numbers: int) -> None:
    for number in numbers:
        os.truncate(_record(home, number), 0)


def _faults(home: Home) -> dict[str, str]:
    faults: dict[str, str] = {}
    for fault in verified(home).rows:
        faults[str(fault["key"])] = f"{faults.get(str(fault['key']), '')} {fault['reason']}"
    return faults


def _notes(home: Home) -> str:
    answer = verified(home)
    assert answer.reply["failed"] == 0
    return str(answer.reply["notes"])


# -- the product's own -------------------------------------------------------------------------------------------------


def test_a_change_of_keys_leaves_a_tombstone_for_the_file_that_it_empties(forgetting: Home) -> None:
    tombstone = forgetting.vault / "tombstone/key/shop/@00000001.json"
    payload = json.loads(forger.decoded(json.loads(tombstone.read_bytes())["payload"]))
    assert (forgetting.vault / "key/shop/@00000001.age").read_bytes() == b""
    assert [number for number, _ in payload["forgotten"]] == [1]
    assert _faults(forgetting) == {}
    assert "empty" not in _notes(forgetting)


def test_it_names_the_bytes_that_were_there(shop: Home) -> None:
    digest = forger.digest(shop.vault / "key/shop/@00000001.age")
    shop.envfs("key", "rotate", "shop")
    tombstone = shop.vault / "tombstone/key/shop/@00000001.json"
    payload = json.loads(forger.decoded(json.loads(tombstone.read_bytes())["payload"]))
    assert payload == {"forgotten": [[1, digest]]}


def test_each_change_names_what_it_empties_and_nothing_twice(forgetting: Home) -> None:
    for _ in range(2):
        forgetting.envfs("key", "rotate", "shop")
    stones = sorted((forgetting.vault / "tombstone/key/shop").glob("@*"))
    listed = [json.loads(forger.decoded(json.loads(path.read_bytes())["payload"]))["forgotten"] for path in stones]
    assert [[number for number, _ in each] for each in listed] == [[1], [2], [3]]
    assert _faults(forgetting) == {}


def test_a_file_that_comes_back_is_forgotten_again_without_another_tombstone(shop: Home) -> None:
    first = shop.vault / "key/shop/@00000001.age"
    data = first.read_bytes()
    shop.envfs("key", "rotate", "shop")
    first.write_bytes(data)
    shop.envfs("key", "rotate", "shop")
    stones = sorted((shop.vault / "tombstone/key/shop").glob("@*"))
    assert (first.read_bytes(), len(stones)) == (b"", 2)
    assert _faults(shop) == {}


@pytest.mark.parametrize("at", ["before the tombstone", "before the file was emptied"])
def test_a_change_of_keys_that_was_killed_is_finished_with_its_tombstone(shop: Home, at: str) -> None:
    first, stones = shop.vault / "key/shop/@00000001.age", shop.vault / "tombstone/key/shop"
    data = first.read_bytes()
    shop.envfs("key", "rotate", "shop")
    shop.settle()
    first.write_bytes(data)
    if at == "before the tombstone":
        shutil.rmtree(shop.vault / "tombstone")
        shop.forget()
    with shop.served():
        eventually(lambda: not first.stat().st_size, "the old key file is forgotten")
        assert len(list(stones.glob("@*"))) == 1
        assert _faults(shop) == {}


def test_an_empty_key_file_of_an_older_release_is_told_and_is_no_fault(forgetting: Home) -> None:
    shutil.rmtree(forgetting.vault / "tombstone")
    forgetting.forget()
    assert _faults(forgetting) == {}
    assert "key/shop: record 1 is empty, and nothing says that its owner forgot it" in _notes(forgetting)


def test_the_next_change_of_keys_says_of_it_what_it_knows(forgetting: Home) -> None:
    shutil.rmtree(forgetting.vault / "tombstone")
    forgetting.forget()
    forgetting.envfs("key", "rotate", "shop")
    assert _faults(forgetting) == {}
    assert "key/shop: record 1 had lost its bytes before its owner said so" in _notes(forgetting)


def test_a_locked_project_keeps_its_tombstones(forgetting: Home) -> None:
    phrase = forgetting.knowing()["ENVFS_PASSPHRASE_FILE"]
    own = {"ENVFS_PROJECT_PASSPHRASE_FILE": phrase}
    forgetting.envfs("project", "custody", "shop", "--zero-knowledge", "-y", "--passphrase-file", phrase, environ=own)
    forgetting.settle()
    assert "/shop is locked and was not checked" in _notes(forgetting)
    stone = forgetting.vault / "tombstone/key/shop/@00000002.json"
    stone.write_bytes(stone.read_bytes().replace(b'"signature":"', b'"signature":"A', 1))
    assert "tombstone/key/shop/@00000002.json" in _faults(forgetting)


# -- a level's, by another program of the owner's ----------------------------------------------------------------------


def test_versions_that_the_owner_forgot_are_no_fault_and_the_rest_is_read(forgetting: Home, owner: Pen) -> None:
    _bury(forgetting, owner, 1, 2)
    _bury(forgetting, owner, 4)  # the newest follows from it
    assert _faults(forgetting) == {}
    assert "level/shop/prod: the owner forgot 3 of its versions: 1, 2, 4" in _notes(forgetting)
    assert forgetting.envfs("get", "/shop/prod", "N").text == "5\n"
    assert forgetting.envfs("get", "/shop/prod", "N", "--version", "3").text == "3\n"
    forgetting.envfs("set", "/shop/prod", "N", given="6")
    assert _faults(forgetting) == {}


def test_a_machine_that_never_saw_the_vault_reads_it_as_well(forgetting: Home, owner: Pen) -> None:
    _bury(forgetting, owner, 3, 4)
    forgetting.forget()
    assert forgetting.envfs("get", "/shop/prod", "N").text == "5\n"
    forgetting.settle()
    assert _faults(forgetting) == {}


def test_what_this_machine_has_seen_may_be_forgotten_by_another_one(forgetting: Home, owner: Pen) -> None:
    forger.next_record(_record(forgetting, 5), owner, "N=6\n")
    _bury(forgetting, owner, 5)
    assert forgetting.envfs("get", "/shop/prod", "N").text == "6\n"
    forgetting.settle()
    assert _faults(forgetting) == {}


def test_a_forgotten_version_is_asked_for_in_vain(forgetting: Home, owner: Pen) -> None:
    _bury(forgetting, owner, 2)
    said = forgetting.envfs("get", "/shop/prod", "N", "--version", "2", status=103)
    assert "version 2 was forgotten" in said.complaint
    assert "\n2\t\t\t-\tforgotten\t\n" in forgetting.envfs("history", "/shop/prod").text
    rows = forgetting.rows("history", "/shop/prod")
    assert [(row["version"], row["operation"]) for row in rows] == [
        (5, "set"),
        (4, "reseal"),
        (3, "set"),
        (2, "forgotten"),
        (1, "import"),
    ]


# -- attacks -----------------------------------------------------------------------------------------------------------

_Attack = Callable[[Home, Pen], None]


def _replayed(home: Home, pen: Pen) -> None:
    _bury(home, pen, 1)
    folder = home.vault / f"tombstone/{_LEVEL}"
    shutil.copy(folder / "@00000001.json", folder / "@00000002.json")
    _empty(home, 2)


def _of_another_level(home: Home, pen: Pen) -> None:
    forger.statement(_TOMBSTONE, home.vault / "tombstone/level/shop", pen, _named(home, 2))
    (home.vault / f"tombstone/{_LEVEL}").mkdir(parents=True)
    shutil.copy(home.vault / "tombstone/level/shop/@00000001.json", home.vault / f"tombstone/{_LEVEL}/@00000001.json")
    _empty(home, 2)


def _of_other_bytes(home: Home, pen: Pen) -> None:
    body: forger.Header = {"forgotten": [[2, forger.digest(_record(home, 1))]]}
    forger.statement(_TOMBSTONE, home.vault / f"tombstone/{_LEVEL}", pen, body)
    _empty(home, 2)


def _by_a_thief(home: Home, pen: Pen) -> None:
    _bury(home, pen._replace(signing=forger.new_signing_key()), 2)


def _by_another_author(home: Home, pen: Pen) -> None:
    thief = forger.new_signing_key()
    _bury(home, Pen(thief, forger.public(thief), pen.sealing), 2)


def _tombstone_gone(home: Home, pen: Pen) -> None:
    _bury(home, pen, 2)
    shutil.rmtree(home.vault / f"tombstone/{_LEVEL}")


def _tombstone_changed(home: Home, pen: Pen) -> None:
    _bury(home, pen, 2)
    path = home.vault / f"tombstone/{_LEVEL}/@00000001.json"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def _newest_named(home: Home, pen: Pen) -> None:
    _bury(home, pen, 5)


def _critical(home: Home, pen: Pen) -> None:
    beside: forger.Header = {"ext": {"crit": ["until"], "until": 7}, "crit": ["ext"]}
    forger.statement(_TOMBSTONE, home.vault / f"tombstone/{_LEVEL}", pen, _named(home, 2), beside)
    _empty(home, 2)


def _put_back(home: Home, pen: Pen) -> None:
    data = _record(home, 2).read_bytes()
    _bury(home, pen, 2)
    _record(home, 2).write_bytes(data)


def _others_put_there(home: Home, pen: Pen) -> None:
    _bury(home, pen, 2)
    shutil.copy(_record(home, 1), _record(home, 2))  # named once for each thing that is wrong with it


def _key_emptied(home: Home, _pen: Pen) -> None:
    # between the put of the next key file and the owner's own forgetting, or afterwards: no tombstone names it
    home.envfs("key", "rotate", "shop")
    home.settle()
    stones = sorted((home.vault / "tombstone/key/shop").glob("@*"))
    stones[-1].unlink()


_EMPTIED = "it is empty, and no tombstone of the owner names it"
_ATTACKS: dict[str, tuple[_Attack, str, str]] = {
    "a version emptied": (lambda home, _: _empty(home, 2), f"{_LEVEL}/@00000002.json", _EMPTIED),
    "the one before the newest emptied": (lambda home, _: _empty(home, 4), f"{_LEVEL}/@00000004.json", _EMPTIED),
    "a tombstone by a thief": (_by_a_thief, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone by another author": (_by_another_author, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone put in again": (_replayed, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone of another level": (_of_another_level, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone of other bytes": (_of_other_bytes, f"{_LEVEL}/@00000003.json", "another place"),
    "a tombstone with something critical": (_critical, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone gone": (_tombstone_gone, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "a tombstone changed": (_tombstone_changed, f"{_LEVEL}/@00000002.json", _EMPTIED),
    "the newest version forgotten": (_newest_named, f"{_LEVEL}/@00000005.json", "the newest record is empty"),
    "a forgotten version put back": (_put_back, f"{_LEVEL}/@00000002.json", "has its bytes again"),
    "other bytes in its place": (_others_put_there, f"{_LEVEL}/@00000002.json", "other bytes"),
    "a tombstone of a key gone": (_key_emptied, f"{_KEYS}/@00000002.age", _EMPTIED),
}


@pytest.mark.parametrize("attack", _ATTACKS)
def test_what_the_owner_did_not_forget_is_named(forgetting: Home, owner: Pen, attack: str) -> None:
    do, key, words = _ATTACKS[attack]
    do(forgetting, owner)
    faults = _faults(forgetting)
    assert words in faults[key], faults


@pytest.mark.parametrize("attack", ["a tombstone by a thief", "a tombstone put in again", "a tombstone changed"])
def test_the_tombstone_is_named_as_well(forgetting: Home, owner: Pen, attack: str) -> None:
    _ATTACKS[attack][0](forgetting, owner)
    assert any(key.startswith(f"tombstone/{_LEVEL}/") for key in _faults(forgetting))


def test_a_pipe_in_the_place_of_a_tombstone_keeps_nobody_from_the_rest(forgetting: Home, owner: Pen) -> None:
    _bury(forgetting, owner, 2)
    stone = forgetting.vault / f"tombstone/{_LEVEL}/@00000001.json"
    stone.unlink()
    os.mkfifo(stone)
    listed = forgetting.envfs("history", "/shop/prod", status=110)
    versions = [line.partition("\t")[0] for line in listed.text.splitlines()]
    assert versions == ["5", "1"]  # 3 follows from 2, and 4 is compared with 3
    faults = _faults(forgetting)
    assert _EMPTIED in faults[f"{_LEVEL}/@00000002.json"]
    assert any(key.startswith(f"tombstone/{_LEVEL}") for key in faults)
    stone.unlink()


def test_many_large_things_in_the_place_of_tombstones_end_nothing(forgetting: Home, owner: Pen) -> None:
    folder = forgetting.vault / f"tombstone/{_LEVEL}"
    folder.mkdir(parents=True)
    (folder / "@00000001.json").write_bytes(b"x" * (2 << 20))
    for number in range(2, 130):
        os.link(folder / "@00000001.json", folder / f"@{number:08d}.json")
    _bury(forgetting, owner, 2)  # by the last one
    assert "\n2\t\t\t-\tforgotten\t\n" in forgetting.envfs("history", "/shop/prod").text


def test_a_tombstone_that_is_taken_away_is_missed_on_a_machine_that_saw_it(forgetting: Home) -> None:
    shutil.rmtree(forgetting.vault / "tombstone")
    faults = _faults(forgetting)
    assert "is older than what this machine has seen" in faults["tombstone/key/shop"]


def test_the_read_before_an_emptied_record_is_refused_and_its_owners_tombstone_allows_it(
    forgetting: Home, owner: Pen
) -> None:
    data = _record(forgetting, 4).read_bytes()
    _empty(forgetting, 4)
    forgetting.envfs("get", "/shop/prod", "N", status=110)
    _record(forgetting, 4).write_bytes(data)
    _bury(forgetting, owner, 4)
    assert forgetting.envfs("get", "/shop/prod", "N").text == "5\n"


def test_a_checkpoint_may_be_empty_only_if_a_thousand_came_after_it(forgetting: Home) -> None:
    checkpoint = min(forgetting.vault.glob("log/*/@*.json"))
    os.truncate(checkpoint, 0)
    assert "only old checkpoints may be" in _faults(forgetting)[str(checkpoint.relative_to(forgetting.vault))]
