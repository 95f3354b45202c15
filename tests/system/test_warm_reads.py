"""What a read of a view that is ready makes the daemon do, seen from outside by its system calls."""

import contextlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.crashing import STRACE
from tests.system.home import Daemon, Home, eventually

pytestmark = pytest.mark.skipif(not STRACE, reason="needs strace")
READS = 200
_CALL = re.compile(r'^\d+ +(\w+)\((?:(?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"|\d+<([^>]*)>)', re.MULTILINE)
_LASTING = "%desc,%file,%network,%process"


@contextlib.contextmanager
def calls_of(pid: int, written: Path) -> Iterator[Counter[tuple[str, str]]]:
    """Count the system calls of a process, by name and by the file or descriptor that each is about."""
    counted: Counter[tuple[str, str]] = Counter()
    status = Path(f"/proc/{pid}/status")
    command = [str(STRACE), "-f", "-y", "-p", str(pid), "-e", f"trace={_LASTING}", "-o", str(written)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        eventually(lambda: "TracerPid:\t0\n" not in status.read_text(encoding="utf-8"), "strace has come")
        try:
            yield counted
        finally:
            tracer.terminate()
    for name, path, descriptor in _CALL.findall(written.read_text(encoding="utf-8", errors="replace")):
        counted[name, path or descriptor] += 1


def test_a_warm_read_touches_neither_the_keyholder_nor_a_file_but_the_log(
    served: tuple[Home, Daemon], tmp_path: Path
) -> None:
    home, daemon = served
    view = home.view("/shop/prod")
    content = view.read_bytes()
    with calls_of(daemon.pid, tmp_path / "calls") as counted:
        for _ in range(READS):
            file = os.open(view, os.O_RDONLY)
            assert os.read(file, 1 << 16) == content
            os.close(file)
    # the daemon has duties of its own beside them, a few in a second
    often = {call for call, times in counted.items() if times >= READS and not call[1].startswith("/proc")}
    names = {name for name, _ in often}
    assert {about for name, about in often if name.startswith(("write", "pwrite"))} == {"/dev/fuse", str(home.log_file)}
    assert {about for name, about in often if name in ("read", "readv", "pread64", "preadv")} <= {"/dev/fuse"}
    assert not [
        name for name in names if name.startswith(("open", "send", "socket", "connect", "fork", "vfork", "clone"))
    ]
    assert not [name for name in names if "sync" in name or name.startswith(("exec", "rename", "unlink", "link"))]
