"""Many at once: no change is lost, no reader sees half of one."""

import statistics
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.system.alone import verified
from tests.system.home import ENVFS, SECONDS, Daemon, Home


def _set_all(home: Home, level: str, names: list[str]) -> None:
    words = [ENVFS, "set", level]
    children = [
        subprocess.Popen(
            [*words, name], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environ(), cwd="/", text=True
        )
        for name in names
    ]
    for name, child in zip(names, children, strict=True):
        _, complaint = child.communicate(f"value of {name}", timeout=6 * SECONDS)
        assert (child.returncode, complaint) == (0, "")


def test_twenty_sets_at_once_of_different_variables_all_survive(home: Home) -> None:
    names = [f"NAME_{number}" for number in range(20)]
    with home.served():
        _set_all(home, "/busy", names)
        assert {row["name"] for row in home.rows("show", "/busy")} == set(names)
        assert len(home.rows("history", "/busy")) == 20
        for name in names:
            assert f"{name}='value of {name}'" in home.view("/busy").read_text(encoding="utf-8")
        assert home.envfs("verify").text.endswith(" 0 failed\n")


def _write_in_processes(home: Home, count: int, each: int) -> list[float]:
    words = [sys.executable, "-m", "tests.system.writing", str(home.socket), "/busy"]
    children = [
        subprocess.Popen(
            [*words, f"P{number}", str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for number in range(count)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("begin\n")
        child.stdin.flush()
    outputs = [child.communicate(timeout=SECONDS + 2 * each)[0] for child in children]
    assert [child.returncode for child in children] == [0] * count
    return [float(output) for output in outputs]


@pytest.mark.parametrize(("count", "each"), [(4, 8), pytest.param(8, 500, marks=pytest.mark.soak)])
def test_processes_that_write_one_level_lose_nothing_and_share_it(home: Home, count: int, each: int) -> None:
    with home.served():
        seconds = _write_in_processes(home, count, each)
        expected = {f"P{number}_{turn}" for number in range(count) for turn in range(each)}
        assert {row["name"] for row in home.rows("show", "/busy")} == expected
        versions = [row["version"] for row in home.rows("history", "/busy", "-n", "0")]
        assert versions == list(range(count * each, 0, -1))
        assert verified(home).reply["failed"] == 0
    assert each < 500 or max(seconds) <= 5 * statistics.median(seconds), seconds


def test_sets_at_once_without_a_daemon_all_survive_as_well(home: Home) -> None:
    names = [f"NAME_{number}" for number in range(4)]
    _set_all(home, "/busy", names)
    assert {row["name"] for row in home.rows("show", "/busy")} == set(names)


def test_sets_at_once_on_many_levels_of_one_new_project_use_one_key(home: Home) -> None:
    with home.served(), ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: home.envfs("set", f"/new/level-{n}", "N", given=str(n)), range(6)))
        for number in range(6):
            assert f"N={number}\n" in home.view(f"/new/level-{number}").read_text(encoding="utf-8")
        assert len(list((home.vault / "key" / "new").iterdir())) == 1
        assert home.envfs("verify").text.endswith(" 0 failed\n")


def test_sets_at_once_of_one_variable_leave_one_of_the_values(home: Home) -> None:
    with home.served(), ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: home.envfs("set", "/one", "WINNER", given=f"w{n}"), range(6)))
        history = home.rows("history", "/one")
        assert [row["version"] for row in history] == list(range(6, 0, -1))
        assert home.envfs("get", "/one", "WINNER").text.strip() in {f"w{n}" for n in range(6)}


def test_readers_see_whole_views_while_a_writer_writes(served: tuple[Home, Daemon]) -> None:
    """Two variables always change together; every reader must find them alike, and never a view cut short."""
    home, _ = served
    pad = "x" * 3000
    home.envfs("import", "-", "/shop/prod", "--replace", given=f"A=0\nPAD={pad}\nB=0\n")
    done, failures = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            text = home.view("/shop/prod").read_text(encoding="utf-8")
            values = dict(line.split("=", 1) for line in text.splitlines() if line[:2] in ("A=", "B=", "PA"))
            if values.get("A") != values.get("B") or values.get("PAD") != pad:
                failures.append(text)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 15):
        text = f"A={number}\nPAD={pad}\nB={number}\n"
        home.envfs("import", "-", "/shop/prod", "--replace", given=text)
    done.set()
    for reader in readers:
        reader.join(SECONDS)
    assert failures == []
    assert "A=14\n" in home.view("/shop/prod").read_text(encoding="utf-8")
