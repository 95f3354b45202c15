"""The files that every level shows beside `.env`, and the dialect that each reader gets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import FILES, Home
from tests.system.probing import attempt, reads

_NODE = 1001
_VALUES = {"NAME": "it's", "KEY": "a\nb", "EMPTY": "", "PATHS": "C:\\new dir\\", "DOLLAR": "$HOME"}
_TEXT = "# for ourselves\nNAME=\"it's\"\nKEY='a\nb'\nEMPTY=\nPATHS='C:\\new dir\\'\nDOLLAR='$HOME'\n"
_AS_NODE = "NAME=`it's`\nKEY='a\nb'\nEMPTY=\nPATHS='C:\\new dir\\'\n#'x\nDOLLAR='$HOME'\n"


@pytest.fixture(scope="module")
def formed(new_home: Homes, bare: Home) -> Iterator[Home]:
    """Give a mounted home with one level of odd values, of which uid 1001 gets the text as node reads it."""
    home = new_home(bare)
    home.envfs("import", "-", "/app", given=_TEXT)
    home.envfs("grant", "/app", "--uid", str(_NODE), "--dialect", "node")
    with home.served():
        yield home


def test_every_level_shows_the_same_files(formed: Home) -> None:
    assert sorted(os.listdir(formed.mnt / "app")) == sorted([*FILES, ".history"])
    assert sorted(os.listdir(formed.mnt / "app/.history/1")) == [*FILES]
    assert sorted(os.listdir(formed.mnt / "app/.vars")) == sorted(_VALUES)


@pytest.mark.parametrize("place", ["app", "app/.history/1"])
def test_each_file_is_the_view_in_its_form_with_its_true_size(formed: Home, place: str) -> None:
    folder = formed.mnt / place
    assert json.loads((folder / ".env.json").read_bytes()) == _VALUES
    assert (folder / ".environ").read_bytes() == b"".join(
        f"{name}={value}\0".encode() for name, value in _VALUES.items()
    )
    assert (folder / ".env.example").read_text() == "".join(f"{name}=\n" for name in _VALUES)
    assert {path.name: path.read_text() for path in (folder / ".vars").iterdir()} == _VALUES
    for path in (*folder.glob(".env*"), *(folder / ".vars").iterdir()):
        assert path.stat().st_size == len(path.read_bytes()), path


def test_a_program_starts_from_the_environ_file(formed: Home) -> None:
    script = f"xargs -0 env -i < {formed.mnt}/app/.environ | grep -c ."
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "6\n"  # five variables, one of them of two lines


def test_what_is_no_variable_is_no_file(formed: Home) -> None:
    for name in ("NOPE", "a-b", "..x", ".env", "N" * 255):
        assert not (formed.mnt / "app/.vars" / name).exists()
    assert attempt(0, "read", formed.mnt / "app/.vars/NOPE").how == "ENOENT"


def test_a_variable_that_is_unset_is_gone_from_a_path_that_was_known(formed: Home) -> None:
    path = formed.mnt / "app/.vars/SHORT"
    formed.envfs("set", "/app", "SHORT", given="1")
    assert path.read_text() == "1"
    with path.open() as opened:
        formed.envfs("unset", "/app", "SHORT")
        assert opened.read() == "1"
    assert not path.exists()
    assert "SHORT" not in os.listdir(path.parent)


def test_strangers_get_none_of_the_forms(formed: Home) -> None:
    for name in (".env.json", ".environ", ".env.example", ".vars/NAME", ".history/1/.env.json"):
        assert reads(1002, formed.mnt / "app" / name) == "EACCES"
    assert attempt(1002, "listdir", formed.mnt / "app/.vars").how == "EACCES"


def test_each_form_is_on_the_access_log_and_no_name_of_a_variable(formed: Home) -> None:
    before = len(formed.log())
    for name in (".env", ".env.json", ".environ", ".env.example", ".vars/NAME"):
        (formed.mnt / "app" / name).read_bytes()
    os.listdir(formed.mnt / "app/.vars")
    rows = formed.log()[before:]
    assert [row["format"] for row in rows] == ["dotenv", "json", "environ", "example", "value", "names"]
    assert "NAME" not in json.dumps(rows)


def test_two_users_read_one_path_in_the_dialect_of_each_and_see_the_size_of_their_own(formed: Home) -> None:
    path = formed.view("/app")
    assert reads(_NODE, path) == _AS_NODE
    assert attempt(_NODE, "stat", path).found == len(_AS_NODE.encode())
    portable = path.read_text()
    assert 'NAME="it\'s"\n' in portable
    assert path.stat().st_size == len(portable.encode())
    assert json.loads(reads(_NODE, formed.mnt / "app/.env.json")) == _VALUES


def test_a_grant_shows_its_dialect_and_the_nearest_grant_counts(new_home: Homes, formed: Home) -> None:
    assert [(row["uid"], row["dialect"]) for row in formed.rows("grants")] == [(0, ""), (_NODE, "node")]
    formed.envfs("grant", "/app", "--uid", "1", "--dialect", "perl", status=2)
    formed.envfs("import", "-", "/app/deep", given="B='x y'\n")
    formed.envfs("grant", "/app/deep", "--uid", str(_NODE), "--dialect", "docker")
    try:
        assert reads(_NODE, formed.view("/app")) == _AS_NODE
        assert reads(_NODE, formed.view("/app/deep")) == "EIO"  # KEY has a line break
        assert "KEY has a line break" in formed.envfs("export", "/app/deep", uid=_NODE, status=106).complaint
        assert formed.refusals(_NODE)[-1]["rule"] == "the view cannot be made"
    finally:
        formed.envfs("revoke", "/app/deep", "--uid", str(_NODE))


def test_a_level_asks_for_a_dialect_in_its_text_and_export_for_any(home: Home) -> None:
    home.envfs("import", "-", "/app", given=_TEXT)
    home.envfs("import", "-", "/app", given="# @dialect node\n")
    home.envfs("import", "-", "/app/web", given="# @dialect expand\n")
    assert home.envfs("export", "/app").text == _AS_NODE
    assert home.envfs("export", "/app", "--only", "NAME").text == "NAME=`it's`\n"
    assert home.envfs("export", "/app/web", "--only", "DOLLAR").text == "DOLLAR='\\$HOME'\n"
    assert home.envfs("export", "/app/web", "--only", "DOLLAR", "--dialect", "portable").text == "DOLLAR='$HOME'\n"
    assert "KEY has a line break" in home.envfs("export", "/app", "--dialect", "docker", status=106).complaint


def test_what_a_level_cannot_show_in_its_dialect_is_refused_at_once_and_named_by_check(home: Home) -> None:
    home.envfs("import", "-", "/app", given="# @dialect expand\nA=1\n")
    said = home.envfs("set", "/app", "B", given="$(reboot)", status=106)
    assert "B has $( ), which dotenv-expand runs as a command" in said.complaint
    said = home.envfs("set", "/app", "B", given="C:\\$dir\\")
    assert "B: a backslash before $: dotenv-expand 11 and c12 lose the backslash" in said.complaint
    home.envfs("import", "-", "/", given="D='$(reboot)'\n")
    assert "refused\tD\t$( ), which dotenv-expand runs" in home.envfs("check", "/app", status=100).text
    assert "D has $( )" in home.envfs("export", "/app", status=106).complaint


def test_a_listing_of_many_variables_is_whole(home: Home) -> None:
    names = [f"V{number}" for number in range(3_000)]
    home.envfs("import", "-", "/app", given="".join(f"{name}={name.lower()}\n" for name in names))
    with home.served():
        script = "import os, sys; print(sum(entry.stat().st_size for entry in os.scandir(sys.argv[1])))"
        words = [sys.executable, "-I", "-c", script, str(home.mnt / "app/.vars")]
        assert subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip() == str(
            sum(map(len, names))
        )
        assert sorted(os.listdir(home.mnt / "app/.vars")) == sorted(names)
        assert Path(home.mnt / "app/.vars/V2999").read_text() == "v2999"
