"""A daemon that was killed leaves a mount that answers nothing: it is reported, and `unmount` and `mount` remove it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.system.home import Home, alive, eventually, mounts_below


def _kill(home: Home) -> None:
    daemon = home.daemon()
    os.kill(daemon.pid, signal.SIGKILL)
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon is gone")
    assert mounts_below(home.path) != []


@pytest.fixture(params=["root", "user"])
def killed(request: pytest.FixtureRequest, home: Home, user_home: Home) -> Home:
    """Give a home whose daemon was killed."""
    chosen = home if request.param == "root" else user_home
    chosen.mount()
    _kill(chosen)
    return chosen


def test_status_and_doctor_report_it(killed: Home) -> None:
    said = killed.envfs("status", status=100)
    assert f"the daemon of the mount at {killed.mnt} was killed; `envfs unmount` removes the mount" in said.text
    rows = json.loads(killed.envfs("doctor", "--json", status=100).out)
    assert [row["check"] for row in rows if row["state"] == "problem"] == ["mount"]


def test_unmount_removes_it_and_then_there_is_nothing_to_unmount(killed: Home) -> None:
    said = killed.envfs("unmount")
    assert said.complaint == f"envfs: note: the daemon of the mount at {killed.mnt} was killed; the mount is removed\n"
    assert mounts_below(killed.path) == []
    assert killed.problems() == ""
    assert "no daemon runs here" in killed.envfs("unmount", status=116).complaint


def test_mount_removes_it_also_where_another_place_is_chosen(killed: Home) -> None:
    other = killed.path / "other"
    with killed.mounted(str(other)):
        assert mounts_below(killed.path) == [str(other)]


def test_a_mount_in_a_chosen_place_is_remembered(home: Home) -> None:
    other = home.path / "other"
    home.mount(str(other))
    _kill(home)
    assert str(other) in home.problems()
    home.envfs("unmount")
    assert mounts_below(home.path) == []


def test_a_mount_of_another_home_stays(home: Home, shop: Home) -> None:
    shop.mount()
    _kill(shop)
    home.envfs("unmount", status=116)
    assert home.problems() == ""
    assert mounts_below(shop.path) == [str(shop.mnt)]
    shop.envfs("unmount")


def test_a_daemon_that_ends_leaves_no_memory_of_its_mount(home: Home) -> None:
    with home.mounted():
        assert Path(home.state / "mounted").read_text(encoding="utf-8") == str(home.mnt)
    assert not (home.state / "mounted").exists()
