"""A log whose home or machine goes by another name, and a vault with two logs: ordinary life, and no tampering."""

import json
import shutil
import subprocess

import pytest

from tests.conftest import Homes
from tests.system import bending
from tests.system.bending import chained, checkpoints, lines, notice, write_lines
from tests.system.home import ENVFS, Home

_WHOLE = (0, 0, 0)


@pytest.fixture
def logged(new_home: Homes, stocked: Home) -> Home:
    """Give one test a home that has signed under its own name."""
    home = new_home(stocked)
    home.envfs("get", "/shop/prod", "DATABASE_URL")
    home.settle()
    return home


def test_a_home_that_was_moved_goes_on(logged: Home) -> None:
    moved = Home(logged.path.with_name(f"{logged.path.name}-moved"))
    logged.path.rename(moved.path)
    streams = len(list((moved.vault / "log").iterdir()))
    for _ in range(2):
        assert notice(moved)[:3] == _WHOLE
    assert len(list((moved.vault / "log").iterdir())) == streams + 1
    assert moved.problems() == ""
    moved.path.rename(logged.path)
    assert notice(logged)[:3] == _WHOLE


def test_a_machine_that_was_renamed_goes_on(logged: Home) -> None:
    for host in ("first", "second", "first"):
        script = f'hostname {host}; "$0" get /shop/prod DATABASE_URL && "$0" log verify'
        command = ["unshare", "--uts", "sh", "-c", script, ENVFS]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=logged.environ(), timeout=60)
        assert done.returncode == 0, done
        logged.settle()
    assert notice(logged)[:3] == _WHOLE


def test_what_was_taken_from_a_moved_home_is_missed(logged: Home) -> None:
    moved = Home(logged.path.with_name(f"{logged.path.name}-moved"))
    logged.path.rename(moved.path)
    moved.forget_witness()
    max(checkpoints(moved), key=lambda path: path.stat().st_mtime_ns).unlink()
    assert "older than what this machine has seen" in moved.problems()
    write_lines(moved, lines(moved)[:3])
    assert notice(moved).get == 112
    shutil.rmtree(moved.path)


def test_two_homes_that_share_a_vault_have_a_log_each(logged: Home, new_home: Homes) -> None:
    other = new_home(logged)
    shutil.rmtree(other.state)
    other.forget_witness()
    shutil.rmtree(other.vault)
    other.vault.symlink_to(logged.vault)
    for _ in range(2):
        for home in (other, logged):
            assert notice(home)[:3] == _WHOLE, home.path
    other.vault.unlink()


def test_a_new_log_says_that_the_vault_was_older_when_it_was_begun(logged: Home) -> None:
    bending.save(logged)
    logged.envfs("set", "/shop/prod", "DATABASE_URL", given="newer")
    logged.settle()
    bending.put_back(logged, "vault", "state")
    assert notice(logged).get == 112
    assert "its values may be older ones" in logged.envfs("log", "restart").complaint
    logged.settle()
    for words in (("verify",), ("log", "verify")):
        assert "the vault is older than checkpoint" in logged.envfs(*words).complaint


def test_a_restart_that_somebody_wrote_is_told_by_what_was_signed_before(logged: Home) -> None:
    entries = len(lines(logged))
    restart = b'{"time":"2026-11-21T08:09:10.123456Z","event":"restart","version":999999}'
    write_lines(logged, chained([restart]))
    bending.end_file(logged).unlink()
    for words in (("verify",), ("log", "verify")):
        said = logged.envfs(*words).complaint
        assert "it was begun again" in said
        assert f"signed {entries - 1} entries of " in said
        logged.settle()


def test_nothing_is_accepted_before_it_is_on_the_log(logged: Home) -> None:
    seen = (logged.state / "seen.jsonl").read_bytes()
    logged.envfs("set", "/shop/prod", "DATABASE_URL", given="newer")
    logged.settle()
    max((logged.vault / "level/shop/prod").iterdir()).unlink()
    assert seen != (logged.state / "seen.jsonl").read_bytes()
    write_lines(logged, lines(logged)[:-2])
    logged.envfs("accept", "/shop/prod", "--yes", status=112)
    marks = [json.loads(line) for line in (logged.state / "seen.jsonl").read_bytes().splitlines()]
    assert [mark["seq"] for mark in marks if mark["stream"] == "level/shop/prod"][-1] == 2
