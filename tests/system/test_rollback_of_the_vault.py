"""A vault that went back in time is refused with a clear message, until a person accepts it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home
from tests.system.probing import attempt


@pytest.fixture(scope="module")
def made(new_home: Homes) -> Home:
    """Give a home of three versions of /shop; an older copy of its vault lies beside it. To be copied."""
    home = new_home()
    with home.served():
        home.envfs("set", "/", "TOP", given="1")
        home.envfs("set", "/shop", "A", given="1")
        home.envfs("set", "/shop", "A", given="2")
        shutil.copytree(home.vault, _older(home))
        home.envfs("set", "/shop", "A", given="3")
        home.envfs("set", "/shop/prod", "B", given="1")
    return home


@pytest.fixture
def aged(new_home: Homes, made: Home) -> Home:
    """Give one test a copy of it, not served."""
    home = new_home(made)
    shutil.copytree(_older(made), _older(home))
    return home


def _older(home: Home) -> Path:
    return home.path.with_name(f"{home.path.name}-older")


def _restore(home: Home) -> None:
    shutil.rmtree(home.vault)
    shutil.copytree(_older(home), home.vault)


def _remove_newest(home: Home) -> None:
    (home.vault / "level" / "shop" / "@00000003.json").unlink()


_HARMS = pytest.mark.parametrize("harm", [_remove_newest, _restore])


@_HARMS
def test_an_older_vault_is_refused_at_every_door(aged: Home, harm: Callable[[Home], None]) -> None:
    harm(aged)
    with aged.served():
        for _ in range(2):
            assert attempt(0, "read", aged.view("/shop")).how == "EBADMSG"
            said = aged.envfs("get", "/shop", "A", status=111)
            assert "older than what this machine has seen" in said.complaint
            assert "envfs accept" in said.complaint
        aged.envfs("exec", "/shop", "--", "true", status=111)
        aged.envfs("history", "/shop", status=111)
        assert attempt(0, "read", aged.view("/")).found == "TOP=1\n"
    assert aged.envfs("get", "/shop", "A", status=111).out == b""


@_HARMS
def test_nothing_is_written_onto_an_older_vault(aged: Home, harm: Callable[[Home], None]) -> None:
    """A record 3 of our own would hide that there was another one."""
    harm(aged)
    aged.envfs("set", "/shop", "A", given="9", status=111)
    aged.envfs("set", "/shop", "A", given="9", status=111)
    assert not (aged.vault / "level" / "shop" / "@00000003.json").exists()
    said = aged.envfs("verify", status=110)
    assert "level/shop" in said.text


@_HARMS
def test_accept_heals(aged: Home, harm: Callable[[Home], None]) -> None:
    harm(aged)
    with aged.served():
        said = aged.envfs("accept", "/shop", "-y")
        assert "version 2" in said.complaint
        assert attempt(0, "read", aged.view("/shop")).found == "TOP=1\nA=2\n"
        aged.envfs("accept", "/shop/prod", "-y", status=None)
        aged.envfs("set", "/shop", "A", given="4")
        assert attempt(0, "read", aged.view("/shop")).found == "TOP=1\nA=4\n"
        assert aged.envfs("verify").text.endswith(" 0 failed\n")
        assert [row["version"] for row in aged.rows("history", "/shop")] == [3, 2, 1]
    assert any(entry["event"] == "accept" and entry["level"] == "/shop" for entry in aged.log())
    assert aged.envfs("get", "/shop", "A").text == "4\n"


def test_accept_asks_back_where_nobody_said_yes(aged: Home) -> None:
    _remove_newest(aged)
    assert "nothing was changed" in aged.envfs("accept", "/shop", status=100).complaint
    aged.envfs("get", "/shop", "A", status=111)


def test_a_vault_that_goes_back_under_a_running_daemon_is_refused_and_stays_refused(aged: Home) -> None:
    with aged.served():
        assert attempt(0, "read", aged.view("/shop")).found == "TOP=1\nA=3\n"
        _remove_newest(aged)
        for _ in range(3):
            assert attempt(0, "read", aged.view("/shop")).how == "EBADMSG"
            aged.envfs("get", "/shop", "A", status=111)


def test_a_level_that_vanished_whole_is_noticed(aged: Home) -> None:
    _restore(aged)
    said = aged.envfs("verify", status=110)
    assert "level/shop/prod" in said.text
    said = aged.envfs("get", "/shop/prod", "B", status=None)
    assert said.status in (103, 111)
    assert said.out == b""


def test_an_old_copy_under_a_new_history_is_another_vault(aged: Home) -> None:
    """Somebody who has the identity goes on from the old copy elsewhere: number 3 is there, but it is another one."""
    elsewhere = Home(aged.path.with_name(f"{aged.path.name}-elsewhere"))
    shutil.copytree(aged.path, elsewhere.path)
    shutil.rmtree(elsewhere.vault)
    shutil.copytree(_older(aged), elsewhere.vault)
    elsewhere.forget()
    elsewhere.envfs("set", "/shop", "A", given="forked")
    elsewhere.settle()
    shutil.rmtree(aged.vault)
    shutil.copytree(elsewhere.vault, aged.vault)
    said = aged.envfs("get", "/shop", "A", status=111)
    assert "is not what this machine has seen" in said.complaint
    aged.envfs("accept", "/shop", "-y")
    assert aged.envfs("get", "/shop", "A").text == "forked\n"


def test_a_newer_vault_of_another_machine_is_taken_up(aged: Home) -> None:
    """Two machines on one vault: what the other one added is simply the newest."""
    kept = aged.path.with_name(f"{aged.path.name}-kept")
    shutil.copytree(aged.vault, kept)
    aged.envfs("set", "/shop", "A", given="5")
    aged.settle()
    newer = aged.path.with_name(f"{aged.path.name}-newer")
    aged.vault.rename(newer)
    kept.rename(aged.vault)
    aged.envfs("get", "/shop", "A", status=111)
    aged.envfs("accept", "/shop", "-y")
    aged.settle()
    with aged.served():
        assert attempt(0, "read", aged.view("/shop")).found == "TOP=1\nA=3\n"
        record = "level/shop/@00000004.json"
        shutil.copy(newer / record, aged.vault / record)
        assert attempt(0, "read", aged.view("/shop")).found == "TOP=1\nA=5\n"


def test_where_the_memory_of_this_machine_is_gone_the_log_says_what_was_there(aged: Home) -> None:
    (aged.state / "seen.jsonl").unlink()
    _restore(aged)
    said = aged.envfs("get", "/shop", "A", status=111)
    assert "older than what this machine has seen (version 3)" in said.complaint
    assert aged.envfs("get", "/", "TOP").text == "1\n"
    aged.envfs("accept", "/shop", "--yes")
    assert aged.envfs("get", "/shop", "A").text == "2\n"


def test_a_machine_that_sees_the_vault_for_the_first_time_takes_it_as_it_is(aged: Home) -> None:
    _restore(aged)
    aged.forget()
    assert aged.envfs("get", "/shop", "A").text == "2\n"
