"""A real program reads its `.env` from the mount: the values are right, and the file behaves as files do."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.system.home import FILES, SECONDS, Daemon, Home
from tests.system.samples import LEVELS, PROD, PROD_TEXT

_DOTENV_PROGRAM = """
import json, sys
from dotenv import dotenv_values
json.dump(dotenv_values(sys.argv[1]), sys.stdout)
"""
_SHELL_PROGRAM = 'set -eu; set -a; . "$1"; exec env -0'
_LEVELS = pytest.mark.parametrize("level", LEVELS)


def _entries(data: bytes) -> dict[str, str]:
    pairs = (entry.partition(b"=") for entry in data.split(b"\0")[:-1])
    return {name.decode(): value.decode() for name, _, value in pairs}


def test_the_samples_are_as_realistic_as_promised() -> None:
    assert len(PROD) >= 40
    assert "PRIVATE KEY" in PROD["JWT_SIGNING_KEY"]


@_LEVELS
def test_python_dotenv_reads_every_value_exactly(shared: Home, level: str) -> None:
    import json

    words = [sys.executable, "-c", _DOTENV_PROGRAM, str(shared.view(level))]
    done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS, cwd="/")
    assert json.loads(done.stdout) == LEVELS[level][1]
    assert done.stderr == b""


@_LEVELS
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_shell_that_sources_the_view_has_every_value_exactly(shared: Home, level: str, shell: str) -> None:
    words = [shell, "-c", _SHELL_PROGRAM, shell, str(shared.view(level))]
    done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS, cwd="/", env={"PATH": "/usr/bin"})
    found = _entries(done.stdout)
    assert {name: found.get(name) for name in LEVELS[level][1]} == LEVELS[level][1]
    assert found.keys() - LEVELS[level][1].keys() <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}


@_LEVELS
def test_exec_gives_every_value_exactly(shared: Home, level: str) -> None:
    found = _entries(shared.envfs("exec", level, "--", "/usr/bin/env", "-0").out)
    assert {name: found.get(name) for name in LEVELS[level][1]} == LEVELS[level][1]


@_LEVELS
def test_the_size_that_stat_tells_is_the_number_of_bytes_read(shared: Home, level: str) -> None:
    path = shared.view(level)
    assert path.stat().st_size == len(path.read_bytes()) > 0


def test_a_reader_may_seek_and_read_in_pieces(shared: Home) -> None:
    whole = shared.view("/shop/prod").read_bytes()
    with shared.view("/shop/prod").open("rb", buffering=0) as file:
        pieces = b"".join(iter(lambda: file.read(7), b""))
        assert pieces == whole
        assert file.seek(-20, os.SEEK_END) == len(whole) - 20
        assert file.read() == whole[-20:]
        assert file.seek(100) == 100
        assert file.read(50) == whole[100:150]
        assert os.pread(file.fileno(), 10, len(whole)) == b""
        assert os.pread(file.fileno(), 10, len(whole) - 3) == whole[-3:]


def test_sixteen_readers_at_once_all_get_the_whole_content(shared: Home) -> None:
    whole = shared.view("/shop/prod").read_bytes()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: shared.view("/shop/prod").read_bytes(), range(320)))
    assert all(content == whole for content in found)


def test_sixteen_processes_at_once_all_get_the_whole_content(shared: Home) -> None:
    path = str(shared.view("/shop/prod"))
    children = [subprocess.Popen(["cat", path, path, path], stdout=subprocess.PIPE) for _ in range(16)]
    found = [child.communicate(timeout=SECONDS)[0] for child in children]
    assert set(found) == {Path(path).read_bytes() * 3}


@pytest.mark.parametrize("program", ["cp", "install -m600", "tar -cOf -", "grep -c =", "head -c 30", "dd status=none"])
def test_the_ordinary_tools_read_a_view(shared: Home, ground: Path, program: str) -> None:
    path = str(shared.view("/shop"))
    words = program.split()
    if words[0] in ("cp", "install"):
        target = ground / f"copy-by-{words[0]}"
        subprocess.run([*words, path, target], check=True, capture_output=True, timeout=SECONDS)
        assert target.read_bytes() == shared.view("/shop").read_bytes()
        return
    words += [f"if={path}"] if words[0] == "dd" else [path]
    done = subprocess.run(words, check=True, capture_output=True, timeout=SECONDS)
    assert done.stdout


def test_a_tree_walk_finds_the_views_and_their_history(shared: Home) -> None:
    done = subprocess.run(["find", shared.mnt], check=True, capture_output=True, timeout=SECONDS, text=True)
    found = {str(Path(line).relative_to(shared.mnt)) for line in done.stdout.splitlines()}
    levels = [Path(), Path("shop"), Path("shop/prod")]
    shown = [*levels, *(level / ".history/1" for level in levels)]
    files = {str(folder / name) for folder in shown for name in FILES}
    found = {path for path in found if Path(path).parent.name != ".vars"}
    assert found == files | {str(folder) for folder in shown} | {str(level / ".history") for level in levels}


def test_a_changed_value_is_in_the_next_read(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    before = home.view("/shop/prod").read_bytes()
    assert b"LOG_LEVEL=warning" in before
    home.envfs("set", "/shop/prod", "LOG_LEVEL", given="error")
    after = home.view("/shop/prod").read_bytes()
    assert after == before.replace(b"LOG_LEVEL=warning", b"LOG_LEVEL=error")


def test_a_change_above_is_in_the_next_read_below(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    assert b"TZ_NAME=Europe/Berlin" in home.view("/shop/prod").read_bytes()
    home.envfs("set", "/", "TZ_NAME", given="UTC")
    assert b"TZ_NAME=UTC" in home.view("/shop/prod").read_bytes()


def test_a_reader_that_opened_before_a_change_reads_its_snapshot_to_the_end(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    with home.view("/shop/prod").open("rb", buffering=0) as file:
        first = file.read(40)
        for number in range(3):
            home.envfs("set", "/shop/prod", "LOG_LEVEL", given=f"changed-{number}")
        home.envfs("set", "/shop", "A_NEW_ONE", given="x" * 10_000)
        rest = file.read()
    assert b"changed" not in first + rest
    assert b"LOG_LEVEL=warning" in first + rest
    assert (first + rest).count(b"\n") > PROD_TEXT.count("\n")
    assert b"LOG_LEVEL=changed-2" in home.view("/shop/prod").read_bytes()


def test_a_level_keeps_its_text_to_the_letter(shared: Home) -> None:
    """What `import` took is what a rollback or a stock tool gives back; here: importing it again changes nothing."""
    for level, (text, _) in LEVELS.items():
        said = shared.envfs("import", "-", level, "--replace", "--json", given=text)
        assert '"version": 1' in said.text, said
