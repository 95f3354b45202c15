"""A log that is longer than the daemon may be large: it is read a piece at a time, and the daemon goes on serving."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import audit, events
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.events import Served
from envfs.gate.audit_log import log_end
from envfs.gate.audit_log.log_files import LogEnd
from envfs.host import clocks
from tests.conftest import Homes
from tests.system.home import Daemon, Home

_ENTRIES = 150_000
_MORE_KIB = 20 << 10  # the log has 33 MiB
_REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)
_READ = events.read(_REQUEST, Served(1), Verdict(Decision.ALLOW, "uid 0 /"))


def _lengthen(log: Path) -> int:
    before = log_end.read_log_end(log)
    assert before is not None
    tip, now = before.tip, clocks.wall_time()
    with log.open("ab") as file:
        for _ in range(_ENTRIES):
            line = audit.entry_line(tip, now, _READ, None)
            file.write(line)
            tip = audit.tip_after(tip, line)
    log_end.write_log_end(log, LogEnd(tip.seq, tip.digest, log.stat().st_size, before.record))
    return tip.seq


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.fixture(scope="module")
def logged(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, Daemon, int]]:
    """Give a home with a long log, on a mount, and the number of its last entry before that."""
    home = new_home(stocked)
    last = _lengthen(home.log_file)
    with home.served() as daemon:
        yield home, daemon, last


@pytest.mark.parametrize("count", [0, 1_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_long_log_is_shown_without_being_held(logged: tuple[Home, Daemon, int], count: int) -> None:
    home, daemon, last = logged
    before = _peak_kib(daemon.pid)
    lines = home.envfs("log", "--json", "-n", str(count)).out.splitlines()
    assert _peak_kib(daemon.pid) - before < _MORE_KIB
    numbers = [json.loads(line)["seq"] for line in (lines[0], lines[-1])]
    assert numbers[1] - numbers[0] == len(lines) - 1
    assert numbers[1] >= last
    assert len(lines) == count or numbers[0] == 1
    assert home.daemon() == daemon
