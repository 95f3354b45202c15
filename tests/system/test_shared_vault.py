"""Two daemons that share a vault on a folder: a change on one is on the other, at once, late and after a kill."""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system.home import Home, eventually
from tests.system.watchers import MODIFY, Inotify, Seen, wait_for, writer


class Shared(NamedTuple):
    """Two homes with one vault, each served by a daemon, and the folder that is their engine."""

    one: Home
    other: Home
    engine: Path

    def versions(self, level: str) -> int:
        """Return how many versions of a level the engine has."""
        return len(list((self.engine / f"level{level}").glob("@*.json")))


@pytest.fixture
def homes(new_home: Homes, stocked: Home, ground: Path) -> Shared:
    """Give one test two homes that share a vault. No daemon runs yet."""
    engine = Path(tempfile.mkdtemp(prefix="engine-", dir=ground))
    pair = new_home(stocked), new_home(stocked)
    for home in pair:
        text = home.settings.read_text(encoding="utf-8")
        home.edit_settings(f'{text}\n[store]\nengine = "folder:{engine}"\n')
    return Shared(*pair, engine)


@pytest.fixture
def shared(homes: Shared) -> Iterator[Shared]:
    """Give one test two machines."""
    with homes.one.served(), homes.other.served():
        yield homes


def _text(home: Home, level: str) -> str:
    return home.view(level).read_text(encoding="utf-8")


def _until_on(home: Home, level: str, line: str) -> None:
    eventually(lambda: f"{line}\n" in _text(home, level), f"{line} arrives")


def test_a_change_on_one_machine_is_a_change_event_on_the_other(shared: Shared) -> None:
    one, other, _ = shared
    file = other.view("/shop/prod")
    file.read_bytes()
    with Inotify(file) as watcher, writer(one.socket) as write:
        write.set("/shop/prod", "ARRIVED", "1")
        wait_for(watcher.seen, 1)
        assert watcher.seen[0] == Seen(MODIFY)
    assert "ARRIVED=1\n" in _text(other, "/shop/prod")


@pytest.mark.parametrize("count", [15, pytest.param(200, marks=pytest.mark.soak)])
def test_what_two_machines_write_at_once_is_all_on_both(shared: Shared, count: int) -> None:
    before = 1

    def write(home: Home, letter: str) -> None:
        with writer(home.socket) as each:
            for number in range(count):
                each.set("/shop/prod", f"{letter}{number}", "1")

    threads = [threading.Thread(target=write, args=pair) for pair in ((shared.one, "A"), (shared.other, "B"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {f"{letter}{number}=1" for letter in "AB" for number in range(count)}
    for home in (shared.one, shared.other):
        eventually(lambda home=home: names <= set(_text(home, "/shop/prod").split("\n")), "all is there")
    assert shared.versions("/shop/prod") == before + 2 * count
    assert sorted(path.name for path in (shared.one.vault / "level/shop/prod").iterdir()) == sorted(
        path.name for path in (shared.engine / "level/shop/prod").glob("@*")
    )


def test_what_waits_survives_a_kill_and_is_merged(homes: Shared) -> None:
    one, other, engine = homes
    away = engine.with_name(f"{engine.name}-away")
    with ExitStack() as stack:
        stack.enter_context(other.served())
        with one.served() as daemon:
            with writer(one.socket) as write:
                write.set("/shop/prod", "BEFORE", "1")
            _until_on(other, "/shop/prod", "BEFORE=1")
            engine.rename(away)
            with writer(one.socket) as write:
                write.set("/shop/prod", "WAITS", "1")
            assert "WAITS=1\n" in _text(one, "/shop/prod")
            os.kill(daemon.pid, signal.SIGKILL)
        away.rename(engine)
        with writer(other.socket) as write:
            write.set("/shop/prod", "MEANWHILE", "1")
        stack.enter_context(one.served())
        for home in (one, other):
            for name in ("WAITS", "MEANWHILE"):
                _until_on(home, "/shop/prod", f"{name}=1")
        report = one.envfs("sync", "status", status=None).text
        assert "connected" in report
        assert one.envfs("log", "verify").status == 0


@pytest.mark.soak
def test_a_machine_that_was_off_for_a_thousand_versions_catches_up(homes: Shared) -> None:
    one, other, _ = homes
    with one.served(), writer(one.socket) as write:
        for number in range(1000):
            write.set("/shop/prod", "COUNT", str(number))
        with other.served():
            _until_on(other, "/shop/prod", "COUNT=999")


def test_a_command_without_a_daemon_shares_what_it_writes(homes: Shared) -> None:
    one, other, _ = homes
    one.envfs("set", "/shop/prod", "ALONE", given="1")
    with other.served():
        _until_on(other, "/shop/prod", "ALONE=1")
