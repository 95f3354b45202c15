"""A reader made from docs/format.md alone (age, jose, jq, openssl, a shell script) sees and refuses what EnvFS does."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system import forger
from tests.system.forger import Header, Pen
from tests.system.home import SECONDS, Home, Row

_READER = Path(__file__).parents[1] / "reader" / "read-level"
_LEVEL = "level/shop/prod"
_EXT: Header = {"colour": "red", "rules": [{"of": 7, "strict": True}]}


class Pens(NamedTuple):
    """Who writes into a vault: its owner, an author whom the owner allowed, and somebody else."""

    owner: Pen
    mary: Pen
    eve: Pen


@pytest.fixture(scope="module")
def written(new_home: Homes, stocked: Home) -> Home:
    """Give a home whose /shop/prod was written in every way. To be copied."""
    home = new_home(stocked)
    with home.served():
        _write(home)
    return home


def _write(home: Home) -> None:
    home.envfs("set", "/shop/prod", "N", "-m", "the first\nof „many“", given="2")
    home.envfs("set", "/shop/prod", "N", given="3")
    home.envfs("key", "rotate", "shop")
    home.envfs("unset", "/shop/prod", "N")
    home.envfs("rollback", "/shop/prod", "2", "-y", "-m", 'it was "better"')
    home.envfs("import", "-", "/shop/prod", "--replace", given="A=1\n")


@pytest.fixture
def vault(new_home: Homes, written: Home) -> Home:
    """Give one test a copy of it."""
    return new_home(written)


@pytest.fixture
def pens(vault: Home, ground: Path) -> Pens:
    """Give three pens for it."""
    owner = forger.owners_pen(ground / "identity.txt", vault.vault / "key/shop/@00000002.age")
    others = (forger.new_signing_key(), forger.new_signing_key())
    return Pens(owner, *(Pen(signing, forger.public(signing), owner.sealing) for signing in others))


def _read(home: Home, ground: Path, out: Path) -> list[Row]:
    words = [_READER, home.vault, ground / "identity.txt", _LEVEL.removeprefix("level/"), out]
    done = subprocess.run(words, check=True, capture_output=True, timeout=3 * SECONDS)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def _record(home: Home, number: int) -> Path:
    return home.vault / _LEVEL / f"@{number:08d}.json"


def _newest(home: Home) -> Path:
    return max((home.vault / _LEVEL).glob("@*.json"))


def _allow(home: Home, pens: Pens) -> Header:
    members = home.vault / "member"
    forger.statement("envfs-member", members, pens.owner, {"kind": "found", "author": pens.owner.author})
    last = forger.statement("envfs-member", members, pens.owner, {"kind": "allow", "author": pens.mary.author})
    return {"members": [2, forger.digest(last)]}


def _bury(home: Home, pen: Pen, *numbers: int) -> None:
    body: Header = {"forgotten": [[number, forger.digest(_record(home, number))] for number in numbers]}
    forger.statement("envfs-tombstone", home.vault / "tombstone" / _LEVEL, pen, body)
    for number in numbers:
        os.truncate(_record(home, number), 0)


def _sees_as_envfs_does(home: Home, ground: Path, out: Path) -> list[Row]:
    rows = _read(home, ground, out)
    with home.served():
        _compare(home, rows, out)
    return rows


def _compare(home: Home, rows: list[Row], out: Path) -> None:
    by_envfs = home.rows("history", "/shop/prod", "-n", "0")[::-1]
    assert [row["version"] for row in rows] == [row["version"] for row in by_envfs]
    for row, other in zip(rows, by_envfs, strict=True):
        if other["operation"] == "forgotten":
            assert row == {"version": other["version"], "forgotten": True}
            continue
        told = ("author", "time", "operation", "source_version", "source_level", "message")
        assert tuple(other[name] for name in told) == tuple(
            row[name] for name in ("author", "time", "op", "of", "from", "message")
        )
        version = str(row["version"])
        own = home.envfs("export", "/shop/prod", "--own", "--version", version).out
        assert (out / f"{version}.env").read_bytes() == own


def test_it_reads_what_envfs_wrote(vault: Home, ground: Path, tmp_path: Path) -> None:
    rows = _sees_as_envfs_does(vault, ground, tmp_path)
    assert [row["op"] for row in rows] == ["import", "set", "set", "reseal", "unset", "rollback", "replace"]
    assert [row["message"] for row in rows if row["message"]] == ["the first\nof „many“", 'it was "better"']


def test_it_reads_extensions_authors_and_tombstones(vault: Home, pens: Pens, ground: Path, tmp_path: Path) -> None:
    point = _allow(vault, pens)
    forger.next_record(_newest(vault), pens.owner, "A=2\n", {"ext": _EXT})
    forger.next_record(_newest(vault), pens.mary, "A=3\n", {**point, "note": forger.note({"op": "set"}, pens.mary)})
    forger.next_record(_newest(vault), pens.owner, "A=4\n", point)
    _bury(vault, pens.owner, 2, 3)
    _bury(vault, pens.owner, 9)
    rows = _sees_as_envfs_does(vault, ground, tmp_path)
    assert [row["version"] for row in rows if row.get("forgotten")] == [2, 3, 9]
    assert rows[7]["ext"] == _EXT
    assert vault.envfs("verify").text.endswith(" 0 failed\n")


def _critical(home: Home, pens: Pens) -> None:
    beside: Header = {"ext": {"crit": ["policy"], "policy": "ask"}, "crit": ["ext"]}
    forger.next_record(_newest(home), pens.owner, "A=2\n", beside)


def _hidden(home: Home, pens: Pens) -> None:
    forger.next_record(_newest(home), pens.owner, "A=2\n", {"ext": {"crit": ["policy"], "policy": "ask"}})


def _out_of_order(home: Home, pens: Pens) -> None:
    forger.next_record(_newest(home), pens.owner, "A=2\n", {"ext": {"b": 1, "a": 2}})


def _by_a_stranger(home: Home, pens: Pens) -> None:
    forger.next_record(_newest(home), pens.eve, "A=2\n", _allow(home, pens))


def _by_a_thief(home: Home, pens: Pens) -> None:
    forger.next_record(_newest(home), pens.owner._replace(signing=pens.eve.signing), "A=2\n")


def _revoked(home: Home, pens: Pens) -> None:
    point = _allow(home, pens)
    body: Header = {"kind": "revoke", "author": pens.mary.author, "last": {}}
    forger.statement("envfs-member", home.vault / "member", pens.owner, body)
    forger.next_record(_newest(home), pens.mary, "A=2\n", point)


def _note_of_another_key(home: Home, pens: Pens) -> None:
    note = forger.note({"op": "set"}, pens.owner._replace(sealing=bytes(32)))
    forger.next_record(_newest(home), pens.owner, "A=2\n", {"note": note})


def _emptied(home: Home, _pens: Pens) -> None:
    os.truncate(_record(home, 2), 0)


def _buried_by_a_stranger(home: Home, pens: Pens) -> None:
    _bury(home, pens.eve, 2)


def _buried_newest(home: Home, pens: Pens) -> None:
    _bury(home, pens.owner, 7)


_WRONG: dict[str, tuple[Callable[[Home, Pens], None], int, str]] = {
    "something critical": (_critical, 8, "critical: policy"),
    "something critical that the header hides": (_hidden, 8, "crit that does not fit"),
    "an extension out of order": (_out_of_order, 8, "an extension out of order"),
    "a stranger's record": (_by_a_stranger, 8, "not an author"),
    "a thief's record": (_by_a_thief, 8, "not signed"),
    "a record after its author's time": (_revoked, 8, "not an author"),
    "a note of another key": (_note_of_another_key, 8, "its note does not open"),
    "an emptied version": (_emptied, 2, "empty, and not by its owner"),
    "a stranger's tombstone": (_buried_by_a_stranger, 2, "empty, and not by its owner"),
    "a tombstone of the newest version": (_buried_newest, 7, "empty, and not by its owner"),
}


# each takes seconds: every fourth here, and the others in the soak
_SOME = [pytest.param(wrong, marks=pytest.mark.soak if at % 4 else ()) for at, wrong in enumerate(_WRONG)]


@pytest.mark.parametrize("wrong", _SOME)
def test_it_refuses_what_envfs_refuses(vault: Home, pens: Pens, ground: Path, tmp_path: Path, wrong: str) -> None:
    do, version, why = _WRONG[wrong]
    do(vault, pens)
    refused = {row["version"]: row["refused"] for row in _read(vault, ground, tmp_path) if "refused" in row}
    assert refused[version] == why
    report = json.loads(vault.envfs("verify", "--json", status=110).out)
    assert f"{_LEVEL}/@{version:08d}.json" in {fault["key"] for fault in report["faults"]}
