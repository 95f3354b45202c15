"""Machines around one server, each with a network, a daemon and a courier of its own: what they write is all on all.

How long it took is said, and no test fails for it (`make engines PYTEST_ARGS='-s -k networks'` shows the figures).
"""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.network import HUB, Network, network
from tests.engines.servers.postgresql import postgres_server
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import Sshd
from tests.system.home import ENVFS, Home, eventually
from tests.system.watchers import Inotify, wait_for, writer

LEVEL = "/shop/prod"
KINDS = ("ssh", "sftp", "postgres", "etcd")


class Team(NamedTuple):
    """Machines with one vault, each served by a daemon, and the network between them and the engine."""

    homes: tuple[Home, ...]
    net: Network


@contextlib.contextmanager
def engine(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Run a server on the hub, and give an address of an empty place for one more member, each time."""
    match kind:
        case "postgres":
            with postgres_server(folder, HUB) as database:
                schema = database.new_schema()
                yield lambda: database.address("alice", schema)
        case "etcd":
            with etcd_server(folder, host=HUB) as cluster:
                prefix = cluster.new_prefix()
                yield lambda: cluster.address("alice", prefix)
        case _:
            server = Sshd(folder, HUB)
            server.make()
            vault = server.new_vault()
            with running(server):
                yield lambda: server.sftp_address(vault) if kind == "sftp" else server.new_address(vault)


@contextlib.contextmanager
def team(kind: str, machines: int, new_home: Homes, source: Home, ground: Path) -> Iterator[Team]:
    """Have machines with copies of one vault. All are in contact with the engine when the block begins."""
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir=ground))
    with network(machines) as net, ExitStack() as stack:
        with net.at():
            new_address = stack.enter_context(engine(kind, folder))
        homes = tuple(new_home(source) for _ in range(machines))
        for number, home in enumerate(homes):
            text = home.settings.read_text(encoding="utf-8")
            home.edit_settings(f'{text}\n[store]\nengine = "{new_address()}"\n')
            with net.at(number):
                stack.enter_context(home.mounted())
        for home in homes:
            eventually(lambda home=home: "connected" in home.envfs("sync", "status", status=None).text, "it is there")
        yield Team(homes, net)


def lines(home: Home) -> set[str]:
    return set(home.view(LEVEL).read_text(encoding="utf-8").split("\n"))


def versions(home: Home) -> list[int]:
    folder = home.vault / f"level{LEVEL}"
    return sorted(int(path.name[1:9]) for path in folder.iterdir() if path.name.startswith("@"))


@pytest.mark.parametrize(
    ("kind", "machines", "writes"),
    [
        pytest.param("ssh", 2, 5, id="ssh-in-short"),
        *(pytest.param(kind, 5, 200, id=kind, marks=pytest.mark.soak) for kind in KINDS),
    ],
)
def test_what_machines_write_at_once_is_on_all_of_them_without_a_gap(
    kind: str, machines: int, writes: int, new_home: Homes, stocked: Home, ground: Path
) -> None:
    with team(kind, machines, new_home, stocked, ground) as (homes, _):
        before = versions(homes[0])
        begun = time.monotonic()
        took: list[float] = []

        def write(home: Home, number: int) -> None:
            with writer(home.socket) as each:
                for at in range(writes):
                    asked = time.monotonic()
                    each.set(LEVEL, f"M{number}_{at}", "1")
                    took.append(time.monotonic() - asked)

        threads = [threading.Thread(target=write, args=(home, number)) for number, home in enumerate(homes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = time.monotonic()
        names = {f"M{number}_{at}=1" for number in range(machines) for at in range(writes)}
        for home in homes:
            eventually(lambda home=home: names <= lines(home), "all is there", seconds=600)
        there = time.monotonic()
        took.sort()
        print(
            f"\n{kind}: {machines} machines, {writes} writes each: {ended - begun:.1f} s, a write"
            f" {took[len(took) // 2]:.3f} s in the median and {took[-1]:.1f} s the slowest;"
            f" all on all {there - ended:.1f} s after the last one"
        )
        for home in homes:
            eventually(lambda home=home: len(versions(home)) == len(before) + len(names), "all versions are there")
            assert versions(home) == list(range(1, len(before) + len(names) + 1))
            assert "0 versions" in home.envfs("sync", "status", status=None).text


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_on_one_machine_is_an_event_on_another_and_starts_a_watched_command_again(
    kind: str, new_home: Homes, stocked: Home, ground: Path
) -> None:
    with team(kind, 2, new_home, stocked, ground) as ((one, other), _):
        told = ground / f"told-{kind}"
        words = [ENVFS, "exec", "--watch", LEVEL, "--", "sh", "-c", f'echo "$ARRIVED" >> {told}; exec sleep 600']
        with Inotify(other.view(LEVEL)) as events, subprocess.Popen(words, env=other.environ()) as command:
            try:
                eventually(lambda: told.exists() and told.read_text(), "the command runs")
                del events.seen[:]
                with writer(one.socket) as write:
                    write.set(LEVEL, "ARRIVED", "1")
                    written = time.monotonic()
                    wait_for(events.seen, 1)
                    seen = time.monotonic()
                    eventually(lambda: told.read_text().endswith("1\n"), "the command starts again")
                    started = time.monotonic()
            finally:
                command.terminate()
                command.wait(60)
        print(f"\n{kind}: an event after {seen - written:.2f} s, the command after {started - written:.2f} s")


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_whose_cable_was_out_goes_on_with_what_came_meanwhile(
    kind: str, new_home: Homes, stocked: Home, ground: Path
) -> None:
    with team(kind, 2, new_home, stocked, ground) as ((one, other), net):
        net.cut(1)
        with writer(one.socket) as write, writer(other.socket) as write_there:
            write.set(LEVEL, "MEANWHILE", "1")
            write_there.set(LEVEL, "OFFLINE", "1")
        assert "MEANWHILE=1" not in lines(other)
        net.resume(1)
        for home in (one, other):
            eventually(lambda home=home: {"MEANWHILE=1", "OFFLINE=1"} <= lines(home), "both are there", seconds=300)
        assert versions(one) == versions(other)
