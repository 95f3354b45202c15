"""Lock, unlock, read, thousands of times: neither process grows, in memory, descriptors, threads or mappings."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.home import Daemon, Home, eventually
from tests.system.peer import Peer
from tests.system.scales import Weight, grown, weigh

_PASSPHRASE = "granite lantern fifty walrus"
_TEXT = "".join(f"NAME_{number}=value-{number}\n" for number in range(40))


_WAITING = 3  # children of a keyholder that is calm
_WARMED_UP = 1.0  # seconds: the keyholder does it once, when it was idle for a while
_LEAKING = """
import mmap, os, sys, threading, time
held = []
for line in sys.stdin:
    kind, count = line.split()
    for _ in range(int(count)):
        if kind == "descriptors":
            held.append(os.dup(0))
        elif kind == "threads":
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        elif kind == "mappings":
            held.append(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE * (len(held) % 2)))
        elif kind == "resident":
            held.append(os.urandom(1 << 15))
    print(kind, flush=True)
"""
_TRIES = 3
_CYCLES = 75  # of those that are weighed in the shorter of the tests below


def _settled(daemon: Daemon) -> dict[str, Weight]:
    """Weigh both processes when the keyholder is calm: it has warmed up, and as many children wait as then do."""
    children = Path(f"/proc/{daemon.keyholder}/task/{daemon.keyholder}/children")
    eventually(lambda: len(children.read_text(encoding="ascii").split()) == _WAITING, "the keyholder's children end")
    time.sleep(_WARMED_UP)
    return {"daemon": weigh(daemon.pid), "keyholder": weigh(daemon.keyholder)}


def _do(peer: Peer, what: str, project: str, *secrets: str) -> None:
    body: dict[str, object] = {"type": what, "project": project} | ({"seconds": 0} if what == "unlock" else {})
    _, reply = peer.ask_all(body, secrets)
    assert reply["type"] == "done", reply


def _cycle(home: Home, peer: Peer, project: str, *secrets: str) -> Callable[[], None]:
    path = home.view(f"/{project}" if project else "/shop")
    whole = path.read_bytes()

    def cycle() -> None:
        _do(peer, "lock", project)
        with pytest.raises(OSError, match="Required key"):
            path.read_bytes()
        _do(peer, "unlock", project, *secrets)
        assert path.read_bytes() == whole

    return cycle


def _no_growth(daemon: Daemon, cycle: Callable[[], None], first: int, count: int) -> None:
    """Weigh after `first` cycles and after `count`: the difference is noise. What grows once has grown by itself."""
    for _ in range(first):
        cycle()
    before, always = _settled(daemon), {(name, what) for name in ("daemon", "keyholder") for what in Weight._fields}
    for _ in range(_TRIES):
        for _ in range(count - first):
            cycle()
        after = _settled(daemon)
        words = f"{count} cycles: " + "; ".join(f"{name} {before[name]} -> {after[name]}" for name in before)
        print(words)
        always &= {(name, what) for name in before for what in grown(before[name], after[name])}
        if not always:
            return
        before = after
    pytest.fail(words)


@pytest.fixture
def leaking() -> Iterator[Callable[[str, int], Weight]]:
    """Give a process that takes what it is told to, and keeps it; returns its weight."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-I", "-c", _LEAKING], **pipes) as process:  # type: ignore[call-overload]

        def take(kind: str, count: int) -> Weight:
            process.stdin.write(f"{kind} {count}\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{kind}\n"
            return weigh(process.pid)

        yield take
        process.kill()


@pytest.mark.parametrize("kind", ["descriptors", "threads", "mappings", "resident"])
def test_the_scales_show_what_each_cycle_would_leave(leaking: Callable[[str, int], Weight], kind: str) -> None:
    before = leaking("nothing", 0)
    assert kind in grown(before, leaking(kind, _CYCLES))


def test_the_scales_let_two_idle_threads_pass(leaking: Callable[[str, int], Weight]) -> None:
    before = leaking("nothing", 0)
    after = leaking("threads", 2)
    assert (after.threads - before.threads, grown(before, after)) == (2, [])


@pytest.mark.parametrize(
    ("project", "count"),
    [
        ("", 100),
        ("shop", 100),
        pytest.param("", 10_000, marks=pytest.mark.soak),
        pytest.param("shop", 2_000, marks=pytest.mark.soak),
    ],
)
def test_locking_and_unlocking_makes_neither_process_grow(home: Home, project: str, count: int) -> None:
    home.envfs("import", "-", "/shop", given=_TEXT)
    with home.mounted() as daemon, Peer(home.socket) as peer:
        _no_growth(daemon, _cycle(home, peer, project), count // 4, count)


@pytest.mark.soak
def test_locking_a_project_under_a_passphrase_makes_neither_process_grow(home: Home) -> None:
    secret = home.path.with_name("cycles-passphrase")
    secret.write_text(_PASSPHRASE, encoding="utf-8")
    home.envfs("project", "new", "safe", "--zero-knowledge", "-y", "--passphrase-file", str(secret))
    with home.mounted() as daemon, Peer(home.socket) as peer:
        _do(peer, "unlock", "safe", _PASSPHRASE)
        home.envfs("import", "-", "/safe", given=_TEXT)
        _no_growth(daemon, _cycle(home, peer, "safe", _PASSPHRASE), 10, 60)
