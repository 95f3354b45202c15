"""No key and no value in the memory of the daemon or the keyholder, looked for as root in every mapping."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import OWNER, SECONDS, Daemon, Home, as_user

VALUES = {f"SCANNED_{n}": f"scanned-value-{n}-{n * 7919:08x}" for n in range(6)}
TEXT = "".join(f"{name}={value}\n" for name, value in VALUES.items())
LATER = "set-afterwards-5b7c1e"


def found_in(pid: int, needles: list[str]) -> list[str]:
    """Return the needles that stand anywhere in the memory of a process that can be read at all."""
    data = b"\n".join(_mappings(pid))
    return [needle for needle in needles if needle.encode() in data]


def _mappings(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue  # vvar and secret memory: the kernel reads them for nobody


@pytest.fixture
def scanned(home: Home) -> Iterator[tuple[Home, Daemon]]:
    home.envfs("import", "-", "/shop", given=TEXT)
    with home.mounted() as daemon:
        yield home, daemon


def test_the_scanner_finds_what_a_naive_process_holds() -> None:
    script = f"import sys; held = sys.stdin.read({len(TEXT)}); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(TEXT.encode())
        child.stdin.flush()
        child.stdout.readline()
        assert found_in(child.pid, list(VALUES.values())) == list(VALUES.values())
        child.stdin.close()


def test_after_a_thousand_reads_neither_process_holds_a_value(scanned: tuple[Home, Daemon]) -> None:
    home, daemon = scanned
    for _ in range(1000):
        assert home.view("/shop").read_text().endswith("\n")
    for pid in daemon:
        assert found_in(pid, [*VALUES.values(), *VALUES]) == []


def test_get_exec_show_export_and_set_leave_nothing_behind(scanned: tuple[Home, Daemon]) -> None:
    home, daemon = scanned
    assert home.envfs("get", "/shop", "SCANNED_1").text.strip() == VALUES["SCANNED_1"]
    home.envfs("exec", "/shop", "--", "true")
    home.envfs("exec", "/shop", "--only", "SCANNED_2,SCANNED_3", "--", "true")
    home.envfs("show", "/shop", "--reveal")
    home.envfs("export", "/shop")
    home.envfs("set", "/shop", "SET_LATER", given=LATER)
    home.envfs("history", "/shop")
    for pid in daemon:
        assert found_in(pid, [*VALUES.values(), LATER]) == []


def test_the_identity_is_in_neither_process(scanned: tuple[Home, Daemon], ground: Path) -> None:
    _, daemon = scanned
    identity = next(line for line in (ground / "identity.txt").read_text().splitlines() if line[0] != "#")
    for pid in daemon:
        assert found_in(pid, [identity]) == []


def test_an_open_file_keeps_at_most_the_one_reply_and_closing_it_none(scanned: tuple[Home, Daemon]) -> None:
    home, daemon = scanned
    with home.view("/shop").open("rb", buffering=0) as file:
        text = file.read(1 << 16)
        assert text
        data = b"\n".join(_mappings(daemon.pid))
        assert all(data.count(value.encode()) <= 1 for value in VALUES.values())
    assert found_in(daemon.pid, list(VALUES.values())) == []


_PEEPING = Path(__file__).with_name("peeping.py").read_text(encoding="utf-8")
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


def _peeped(pid: int) -> dict[str, str]:
    words = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", _PEEPING, str(pid)]
    done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_same_uid_can_look_into_an_ordinary_process_or_the_next_test_would_show_nothing() -> None:
    if _YAMA.exists() and _YAMA.read_text().strip() != "0":
        pytest.skip("on this machine nobody may trace but parents")
    words = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        found = _peeped(victim.pid)
        victim.kill()
    assert found == dict.fromkeys(found, "did it")


def test_the_same_uid_can_neither_read_nor_trace_them(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        for pid in daemon:
            assert f"\nUid:\t{OWNER}\t" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            found = _peeped(pid)
            assert {name: how for name, how in found.items() if how not in ("EACCES", "EPERM")} == {}


@pytest.mark.skipif(shutil.which("gcore") is None, reason="needs gdb's gcore")
def test_the_same_uid_gets_no_core_of_them(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        for pid in daemon:
            words = [*as_user(OWNER), "gcore", "-o", str(user_home.path / "core"), str(pid)]
            done = subprocess.run(words, capture_output=True, check=False, timeout=60, cwd="/")
            assert done.returncode != 0
            assert b"Operation not permitted" in done.stderr + done.stdout
    assert list(user_home.path.glob("core*")) == []
