"""No key and no value in the memory of the daemon or the keyholder, looked for as root in every mapping."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import OWNER, Daemon, Home, as_user

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


def test_the_same_uid_can_neither_read_nor_trace_them(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        for pid in daemon:
            done = subprocess.run(
                [*as_user(OWNER), "cat", f"/proc/{pid}/environ"],
                capture_output=True,
                check=False,
            )
            assert b"Permission denied" in done.stderr


def test_a_keyholder_can_open_no_file_make_none_and_connect_nowhere() -> None:
    script = """
import socket, sys
from envfs.host import hardening, landlock
hardening.harden_keyholder()
print(landlock.confine() > 0)
for attempt in (lambda: open("/etc/passwd"), lambda: open("/tmp/envfs-made", "w"), lambda: open("/proc/self/maps"),
                lambda: socket.create_connection(("127.0.0.1", 9))):
    try:
        attempt()
        print("did it")
    except PermissionError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["True", *["refused"] * 4]
