"""Every access has its entry and every entry its access, whenever the daemon is killed, over all segments."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import SECONDS, Daemon, Home, alive, eventually

READER = Path(__file__).with_name("accessing.py")
_MANY = pytest.mark.soak


@pytest.mark.parametrize(
    ("readers", "count", "kills"), [(3, 120, 1), pytest.param(4, 25_000, 25, marks=_MANY)], ids=["some", "100,000"]
)
def test_nothing_is_served_without_an_entry_and_no_entry_is_without_an_access(
    new_home: Homes, stocked: Home, readers: int, count: int, kills: int
) -> None:
    home = new_home(stocked)
    size = "8K" if count < 1000 else "1M"
    home.settings.write_text(f'[audit]\nsegment_size = "{size}"\n\n{home.settings.read_text(encoding="utf-8")}')
    first = len(_entries(home))
    daemon = home.mount()
    processes = [_begin(home, count, seed) for seed in range(readers)]
    chance = random.Random(1)
    for _ in range(kills):  # each while they read
        entries = len(_entries(home)) + chance.randrange(count // (2 * kills))
        eventually(lambda entries=entries: len(_entries(home)) > entries, "it is read from")  # type: ignore[misc]
        _kill(daemon)
        daemon = home.mount()
    said = {process.pid: _end(process) for process in processes}
    eventually(lambda: list(home.state.glob("access.jsonl.0*")), "a segment is closed")
    home.end(daemon)
    home.envfs("log", "verify")
    logged: Counter[tuple[int, str]] = Counter()
    for entry in _entries(home)[first:]:
        if entry["event"] == "read":
            logged[int(str(entry["pid"])), f"{entry['channel']} {entry['level']} {entry['format']}"] += 1
    _compare(said, logged, count)


def _kill(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "it is dead")


def _begin(home: Home, count: int, seed: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(READER), str(home.mnt), str(home.socket), str(count), str(seed)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**home.environ(), "PYTHONPATH": str(READER.parents[2])}
    )


def _end(process: "subprocess.Popen[bytes]") -> dict[str, Counter[str]]:
    text, _ = process.communicate(timeout=60 * SECONDS)
    return {name: Counter(counts) for name, counts in json.loads(text).items()}


def _entries(home: Home) -> list[dict[str, object]]:
    paths = [*sorted(home.state.glob("access.jsonl.0*")), home.log_file]
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def _compare(said: dict[int, dict[str, Counter[str]]], logged: Counter[tuple[int, str]], count: int) -> None:
    assert {pid for pid, _ in logged} <= said.keys()
    for pid, counts in said.items():
        served, in_vain = counts["served"], counts["in vain"]
        assert served.total() == count
        of_it = Counter({key: number for (by, key), number in logged.items() if by == pid})
        without_entry = served - of_it
        assert not without_entry, without_entry
        without_access = of_it - served - in_vain
        assert not without_access, without_access
