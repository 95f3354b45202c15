"""Where a part of the vault or the log is damaged, a listing prints the others, names it, and ends with 110 or 122.

`make test` tries each damage with a mount and one without, `make soak` the others.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home

LEVELS = ("/a", "/b", "/c", "/c/below")


@pytest.fixture(scope="module")
def whole(new_home: Homes, bare: Home) -> Home:
    """Give a home with four levels of three versions; not to be changed."""
    home = new_home(bare)
    with home.served():
        for level in LEVELS:
            for version in "123":
                home.envfs("set", level, "A", given=version)
        for version in "45":
            home.envfs("set", "/a", "A", given=version)
    return home


@pytest.fixture
def levels(new_home: Homes, whole: Home) -> Home:
    """Give one test such a home of its own."""
    return new_home(whole)


def newest(home: Home) -> Path:
    return home.vault / "level/b/@00000003.json"


def empty(home: Home) -> None:
    newest(home).write_bytes(b"")


def no_json(home: Home) -> None:
    newest(home).write_bytes(b"\xff" * 100)


def one_byte(home: Home) -> None:
    data = bytearray(newest(home).read_bytes())
    data[150] ^= 1
    newest(home).write_bytes(data)


def huge(home: Home) -> None:
    newest(home).write_bytes(b"0" * 3_000_000)


def gone(home: Home) -> None:
    newest(home).unlink()


def folder(home: Home) -> None:
    newest(home).unlink()
    newest(home).mkdir()


def all_gone(home: Home) -> None:
    for path in newest(home).parent.iterdir():
        path.unlink()


DAMAGE = [empty, no_json, one_byte, huge, gone, folder, all_gone]
Damage = Callable[[Home], None]


# beside a running daemon a command costs a tenth of one alone, so alone is tried with one damage here
_CASES = [
    pytest.param(damage, mounted, marks=() if mounted or damage is empty else pytest.mark.soak)
    for damage in DAMAGE
    for mounted in (False, True)
]


@pytest.mark.parametrize(("damage", "mounted"), _CASES)
def test_one_damaged_level_hides_no_other(damage: Damage, mounted: bool, levels: Home) -> None:
    if mounted:
        levels.mount()
    damage(levels)
    said = levels.envfs("ls", status=110)
    assert [line.split("\t")[0] for line in said.text.splitlines()] == ["/", "/a", "/c", "/c/below"]
    assert said.complaint.startswith("envfs: error: /b: ")
    assert "Traceback" not in said.complaint
    listed = levels.envfs("ls", "--json", status=110)
    assert [row["level"] for row in json.loads(listed.out)] == ["/", "/a", "/c", "/c/below"]
    for words in (("project", "ls"), ("key", "ls")):
        said = levels.envfs(*words, status=110)
        assert [line.split("\t")[0] for line in said.text.splitlines()] == ["/a", "/c"]
        assert "envfs: error: /b: " in said.complaint
        assert [row["project"] for row in json.loads(levels.envfs(*words, "--json", status=110).out)] == ["/a", "/c"]
    assert "/b" in levels.envfs("verify", status=110).text.replace("level/b", "/b")
    assert levels.envfs("history", "/a").text.count("\n") == 5
    assert levels.envfs("history", "/b", status=None).status in (110, 111, 113)
    assert levels.envfs("get", "/c/below", "A").text == "3\n"
    assert not mounted or "c/below" in levels.envfs("__complete", "level", "c/").text


def test_a_level_that_is_asked_for_alone_is_judged_alone(levels: Home) -> None:
    empty(levels)
    assert levels.envfs("ls", "/c").text.count("\n") == 2
    levels.envfs("ls", "/b", status=110)


def test_an_old_version_that_is_damaged_hides_no_other(levels: Home) -> None:
    path = levels.vault / "level/a/@00000001.json"
    path.write_bytes(path.read_bytes()[:-20])
    said = levels.envfs("history", "/a", status=110)
    assert [line.split("\t")[0] for line in said.text.splitlines()] == ["5", "4"]
    assert "level/a/@00000001.json: " in said.complaint
    assert "level/a/@00000002.json: " in said.complaint  # it does not follow, and
    assert "level/a/@00000003.json: " in said.complaint  # what this one changed in it cannot be said
    assert [row["version"] for row in json.loads(levels.envfs("history", "/a", "--json", status=110).out)] == [5, 4]


def test_a_damaged_key_hides_no_other_project_and_is_not_taken_for_none(levels: Home) -> None:
    path = levels.vault / "key/b/@00000001.age"
    path.write_bytes(path.read_bytes()[:-20])
    with levels.served():
        for words in (("project", "ls"), ("key", "ls")):
            said = levels.envfs(*words, status=110)
            assert [line.split("\t")[0] for line in said.text.splitlines()] == ["/a", "/c"]
            assert "envfs: error: /b: " in said.complaint
        for words in (("project", "new", "b"), ("project", "recipients", "b"), ("key", "rotate", "b")):
            levels.envfs(*words, status=110)
        levels.envfs("ls")


@pytest.mark.parametrize("line", [b"garbage\n", b"\xff\xfe\n", b"5\n", b"\n", b"[" * 5000 + b"\n"])
def test_a_line_that_is_no_entry_hides_no_other(line: bytes, levels: Home) -> None:
    levels.settle()
    lines = levels.log_file.read_bytes().splitlines(keepends=True)
    levels.log_file.write_bytes(b"".join([*lines[:2], line, *lines[3:]]))
    for words in (("log", "-n", "0"), ("log", "-n", "0", "--json")):
        said = levels.envfs(*words, status=122)
        assert said.complaint.count("no entry") == 1
        assert said.text.count("\n") == len(lines) - 1
