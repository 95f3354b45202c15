"""A log that is longer than the daemon may be large: it is read a piece at a time, and the daemon goes on serving."""

import json
from pathlib import Path

import pytest

from envfs.core import audit, events
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.gate.audit_log import log_end
from envfs.gate.audit_log.log_files import LogEnd
from envfs.host import clocks
from tests.system.home import Home

_ENTRIES = 150_000
_MORE_KIB = 20 << 10  # the log has 33 MiB
_REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)
_READ = events.read(_REQUEST, 1, Verdict(Decision.ALLOW, "uid 0 /"))


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


@pytest.mark.parametrize("count", [0, 100_000])
def test_a_long_log_is_shown_without_being_held(shop: Home, count: int) -> None:
    shop.settle()
    last = _lengthen(shop.log_file)
    with shop.mounted() as daemon:
        before = _peak_kib(daemon.pid)
        lines = shop.envfs("log", "--json", "-n", str(count)).out.splitlines()
        assert _peak_kib(daemon.pid) - before < _MORE_KIB
        numbers = [json.loads(line)["seq"] for line in (lines[0], lines[-1])]
        assert numbers[1] - numbers[0] == len(lines) - 1
        assert numbers[1] >= last
        assert len(lines) == count or numbers[0] == 1
        assert shop.daemon() == daemon
