"""A daemon that many processes read from, and many times, takes no more memory for that than is promised."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.home import Daemon, Home

pytestmark = pytest.mark.soak
PROMISED_KB = 2 << 10
PROCESSES, READS, READERS = 10_000, 1_000_000, 4
_READER = "import os, sys\nfor _ in range(int(sys.argv[2])): os.close(os.open(sys.argv[1], os.O_RDONLY))"
_SETTLED = 3.0  # the duties of a second have had their turn


def own_kb(pid: int) -> int:
    """Return what a process has of memory that no file is behind."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def test_it_does_not_grow_with_readers_nor_with_reads(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    view = home.view("/shop/prod")
    for _ in range(READERS):
        assert view.read_bytes()
    time.sleep(_SETTLED)
    before = own_kb(daemon.pid)
    for _ in range(PROCESSES):
        subprocess.run(["/bin/cat", str(view)], check=True, stdout=subprocess.DEVNULL)
    words = [sys.executable, "-I", "-S", "-c", _READER, str(view), str(READS // READERS)]
    readers = [subprocess.Popen(words) for _ in range(READERS)]
    assert [reader.wait() for reader in readers] == [0] * READERS
    time.sleep(_SETTLED)
    assert own_kb(daemon.pid) - before <= PROMISED_KB
