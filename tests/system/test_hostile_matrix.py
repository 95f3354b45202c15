"""Every kind of hostile client with every kind of bad frame, as three users: the daemon serves everybody else."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system import hostile
from tests.system.home import SECONDS, Home, alive, as_user, eventually, open_in
from tests.system.peer import HELLO, STATUS, Body, Peer

_STRANGER, _GRANTED, _HONEST = 4711, 4712, 4713
_MEBIBYTES = 150
_READ: Body = {"type": "read-view", "level": "/shop", "format": "value", "channel": "get", "only": ["APP_NAME"]}


@pytest.fixture(scope="module")
def victim(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home with a long history of a large level."""
    home = new_home(stocked)
    with home.served():
        home.fill_large_level(_GRANTED, _HONEST)
        yield home


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def _honest(home: Home) -> None:
    with Peer(home.socket) as peer:
        assert peer.ask(HELLO)["type"] == "hello"
        assert peer.ask(STATUS)["type"] == "status-report"
        assert peer.ask(_READ)["type"] == "view-sent"
        assert peer.blob == b"shop."
    assert "COMPANY_NAME" in home.view("/shop/prod").read_text()


@pytest.mark.parametrize("uid", [_STRANGER, _GRANTED, 0], ids=["a stranger", "approved", "the owner"])
def test_a_hostile_client_harms_nobody_else(victim: Home, uid: int) -> None:
    assert len(hostile.CLIENTS) >= 12
    assert len(hostile.FRAMES) >= 9
    daemon = victim.daemon()
    _honest(victim)
    open_before = open_in(daemon.pid)
    command = [*as_user(uid), sys.executable, "-I", "-S", str(Path(hostile.__file__)), str(victim.socket)]
    most = 0
    with subprocess.Popen(command) as attack:
        while attack.poll() is None:
            if uid:
                _honest(victim)
            most = max(most, _memory(daemon.pid))
            time.sleep(0.01)
    assert attack.returncode == 0
    assert alive(daemon.pid)
    assert victim.daemon() == daemon
    _honest(victim)
    assert most < _MEBIBYTES
    eventually(lambda: open_in(daemon.pid) <= open_before, "its descriptors are closed", 2 * SECONDS)
    print(most, "MiB")
