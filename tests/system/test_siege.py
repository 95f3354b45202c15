"""Whatever one user does as hard as he can, others and his own other programs are answered about as soon as before."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system import siege
from tests.system.home import ENVFS, SECONDS, Home, alive, as_user, eventually, open_in

pytestmark = pytest.mark.soak

_STRANGER, _GRANTED, _HONEST, _OWNER = 4711, 4712, 4713, 0
_LASTS = float(os.environ.get("ENVFS_SIEGE_SECONDS", "6"))
_MEBIBYTES, _ANSWERED = 150, 0.5
_FOLDER = Path(siege.__file__).parent
_ECHO = """
import sys, trio
async def serve(stream):
    async with stream:
        async for data in stream:
            await stream.send_all(data)
async def main():
    with trio.socket.socket(trio.socket.AF_UNIX) as listener:
        await listener.bind(sys.argv[1])
        listener.listen(128)
        await trio.serve_listeners(serve, [trio.SocketListener(listener)])
trio.run(main)
"""


@pytest.fixture(scope="module")
def echo(own_ground: Path) -> Iterator[Path]:
    """Give the socket of a bare server that says back what it hears."""
    path = own_ground / "echo.sock"
    with subprocess.Popen([sys.executable, "-I", "-c", _ECHO, str(path)]) as server:
        eventually(lambda: _listens(path), "the bare server listens")
        path.chmod(0o666)
        yield path
        server.kill()


@pytest.fixture(scope="module")
def victim(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home with a large level of many versions, and a long log."""
    home = new_home(stocked)
    with home.mounted():
        home.fill_large_level(_GRANTED, _HONEST)
        command = [sys.executable, "-I", "-S", str(_FOLDER / "siege.py"), "the mount", str(home.socket), str(home.mnt)]
        subprocess.run([*command, "5"], check=True)  # what makes the log long
        yield home


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _probe(home: Home, uid: int, echo: Path) -> subprocess.Popen[bytes]:
    words = [*as_user(uid), sys.executable, str(_FOLDER / "siege_probe.py"), str(home.socket), str(home.mnt), ENVFS]
    return subprocess.Popen([*words, str(echo), str(_LASTS)], stdout=subprocess.PIPE, env=home.environ(), cwd="/")


def _attack(home: Home, uid: int, kind: str) -> subprocess.Popen[bytes]:
    words = [*as_user(uid), sys.executable, "-I", "-S", str(_FOLDER / "siege.py"), kind, str(home.socket)]
    return subprocess.Popen([*words, str(home.mnt), str(_LASTS + 1)], stderr=subprocess.DEVNULL, cwd="/")


def _told(who: str, kind: str, out: bytes, memory: int) -> list[str]:
    said = json.loads(out)
    times = ((name, 1000 * worst, 1000 * middle) for name, (worst, middle, _) in said["rows"].items())
    row = "  ".join(f"{name} {worst:.0f}/{middle:.0f}" for name, worst, middle in times)
    load = os.getloadavg()[0]
    print(f"{kind:28} {who:28} ms, worst/median: {row}  {memory} MiB, load {load:.1f}", *said["wrong"].items())
    floor = max(said["rows"]["floor: answer"][0], said["rows"]["floor: command"][0])
    slow = [name for name, (worst, _, _) in said["rows"].items() if worst > _ANSWERED + floor]
    return [f"{name} of {who}" for name in (*slow, *said["wrong"])]


@pytest.mark.parametrize("kind", ["nothing", *siege.KINDS])
@pytest.mark.parametrize("uid", [_STRANGER, _GRANTED, _OWNER], ids=["a stranger", "approved", "the owner"])
def test_the_honest_are_answered_in_time_and_nothing_is_left(victim: Home, echo: Path, uid: int, kind: str) -> None:
    daemon = victim.daemon()
    open_before = open_in(daemon.pid)
    attack = _attack(victim, uid, kind) if kind != "nothing" else None
    probes = {"approved": _probe(victim, _HONEST, echo), "the owner": _probe(victim, _OWNER, echo)}
    late = []
    for who, probe in probes.items():
        out, _ = probe.communicate(timeout=10 * SECONDS + _LASTS)
        late += _told(f"{who} beside {uid}", kind, out, _memory(daemon.pid))
    if attack is not None:
        attack.wait(SECONDS)
    assert alive(daemon.pid)
    eventually(lambda: victim.daemon() == daemon, "the same daemon answers")
    assert _memory(daemon.pid) < _MEBIBYTES
    eventually(lambda: open_in(daemon.pid) <= open_before + 20, "its descriptors are closed", 2 * SECONDS)
    assert late == []
