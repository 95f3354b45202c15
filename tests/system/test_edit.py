"""Editing leaves no copy of a text: the folder is in memory, is the editor's alone, and is gone however it ends."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, as_user, eventually
from tests.system.terminal import Terminal

MARK = "f7c1-a-value-that-is-nowhere"
USERS = [0, 1001]


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a mounted home in which both users may write."""
    home = new_home()
    with home.served():
        for uid in USERS:
            home.envfs("grant", "/", "--uid", str(uid), "--can", "writer")
        yield home


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give one test a folder in which both users may write."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def started(home: Home, folder: Path, uid: int, end: str) -> "subprocess.Popen[bytes]":
    """Begin to edit with a script that changes A, tells the file's path, and goes on with `end`."""
    home.envfs("import", "-", f"/app{uid}", "--replace", given="# top\nA=1\nB=2\n")
    editor = folder / "editor"
    text = f'#!/bin/sh\nsed -i s/A=1/A={MARK}/ "$1"\necho "$1" > {folder}/told\n{end}\n'
    editor.write_text(text, encoding="utf-8")
    editor.chmod(0o755)
    return subprocess.Popen(
        [*as_user(uid), ENVFS, "edit", f"/app{uid}", "-y"],
        env=home.environ({"VISUAL": str(editor)}),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def begun(folder: Path) -> Path:
    """Wait until the editor has changed the file; return the file's path."""
    told = folder / "told"
    eventually(lambda: told.exists() and told.read_text().endswith("\n"), "the editor runs")
    return Path(told.read_text().strip())


@pytest.mark.parametrize("uid", USERS)
def test_no_other_process_sees_the_file_and_its_folder_goes_with_the_editor(
    served: Home, folder: Path, uid: int
) -> None:
    process = started(served, folder, uid, f"while ! test -e {folder}/go; do sleep 0.05; done")
    try:
        path = begun(folder)
        assert list(path.parent.iterdir()) == []
        (folder / "go").touch()
        assert process.wait(SECONDS) == 0
    finally:
        process.communicate()
    assert not path.parent.exists()
    assert served.envfs("get", f"/app{uid}", "A").text == f"{MARK}\n"


@pytest.mark.parametrize("uid", USERS)
def test_a_killed_editor_leaves_nothing(served: Home, folder: Path, uid: int) -> None:
    process = started(served, folder, uid, "exec sleep 600")
    try:
        path = begun(folder)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert list(path.parent.iterdir()) == []
    path.parent.rmdir()
    assert served.envfs("get", f"/app{uid}", "A").text == "1\n"


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not here")
@pytest.mark.parametrize("uid", USERS)
def test_vim_keeps_no_copy_and_begins_again_at_the_fault(served: Home, folder: Path, uid: int) -> None:
    served.envfs("import", "-", f"/app{uid}", "--replace", given="# top\nA=1\nB=2\n")
    settings = "set backup undofile swapfile viminfo='100,<50 updatecount=1 directory=. backupdir=. undodir=.\n"
    (folder / ".vimrc").write_text(settings, encoding="utf-8")
    environ = {**served.environ(), "VISUAL": "vim", "HOME": str(folder), "TERM": "xterm"}
    with Terminal([*as_user(uid), ENVFS, "edit", f"/app{uid}"], environ) as terminal:
        terminal.expect("B=2")
        terminal.type(f":%s/A=1/A={MARK}/")
        terminal.type(':%s/B=2/B="/')
        terminal.type(":wq")
        terminal.expect("open the editor again? [Y/n] ")
        terminal.type("y")
        terminal.expect('B="')
        terminal.type(":s/\"/'3'/")  # on the line of the fault, where the editor begins
        terminal.type(":wq")
        terminal.expect(f"write this as a new version of /app{uid}? [y/N] ")
        terminal.type("y")
        assert terminal.end() == 0
    assert served.envfs("get", f"/app{uid}", "A").text == f"{MARK}\n"
    assert served.envfs("get", f"/app{uid}", "B").text == "3\n"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [".vimrc"]
