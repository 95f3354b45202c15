"""The manual pages say what the grammar says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envfs import errors
from envfs_cli import grammar

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "man"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, ROOT / "contrib" / "man", folder], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_pages_are_those_that_contrib_man_writes(written: dict[str, str]) -> None:
    assert {path.name: path.read_text() for path in PAGES.iterdir()} == written


def test_each_command_has_a_page_but_the_hidden_ones(written: dict[str, str]) -> None:
    visible = {one.name for one in grammar.all_commands() if one.group != grammar.HIDDEN}
    assert set(written) == {"envfs.1", *(f"envfs-{name}.1" for name in visible)}


def test_every_exit_status_is_explained(written: dict[str, str]) -> None:
    for kind in errors.BY_CODE.values():
        assert rf"\fB{kind.status}\fR" in written["envfs.1"]


def test_every_option_and_synonym_is_explained(written: dict[str, str]) -> None:
    for one in grammar.all_commands():
        text = written.get(f"envfs-{one.name}.1", "").replace(r"\-", "-")
        if one.group != grammar.HIDDEN:
            assert all(f"\\fB{flag}\\fR" in text for option in one.options for flag in option.flags)
            assert all(f"\\fBenvfs {word}\\fR" in text for word in (one.name, *one.synonyms))


def test_a_page_of_a_command_that_is_gone_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("envfs-gone.1", "README.md"):
        (tmp_path / name).write_text("")
    subprocess.run([sys.executable, ROOT / "contrib" / "man", tmp_path], check=True)
    assert not (tmp_path / "envfs-gone.1").exists()
    assert (tmp_path / "README.md").exists()


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_has_nothing_to_complain_about() -> None:
    pages = sorted(PAGES.glob("*.1"))
    done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", *pages], check=True, capture_output=True)
    assert done.stderr == b""
    assert b"ENVFS-SET(1)" in re.sub(rb"\x1b\[[0-9;]*m", b"", done.stdout)  # newer ones underline a page's name
