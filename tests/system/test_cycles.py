"""Lock, unlock, read, thousands of times: neither process grows, in memory, descriptors, threads or mappings."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system.home import Daemon, Home, eventually
from tests.system.peer import Peer

_PASSPHRASE = "granite lantern fifty walrus"
_TEXT = "".join(f"NAME_{number}=value-{number}\n" for number in range(40))


class Weight(NamedTuple):
    """What a process takes: KiB of memory, and counts."""

    resident: int
    share: int
    descriptors: int
    threads: int
    mappings: int


_WARMED_UP = 1.0  # seconds: the keyholder does it once, when it was idle for a while
_NOISE = Weight(1024, 1024, 2, 2, 4)  # between two looks: an idle thread of trio's more, with its stack


def _weigh(pid: int) -> Weight:
    folder = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
    rollup = dict(line.split(":", 1) for line in (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines()[1:])
    return Weight(
        int(status["VmRSS"].split()[0]),
        int(rollup["Pss"].split()[0]),
        len(os.listdir(folder / "fd")),
        int(status["Threads"]),
        len((folder / "maps").read_text(encoding="utf-8").splitlines()),
    )


def _settled(daemon: Daemon) -> dict[str, Weight]:
    """Weigh both processes when no child of the keyholder's is at work but the one that waits, and it has warmed up."""
    children = Path(f"/proc/{daemon.keyholder}/task/{daemon.keyholder}/children")
    eventually(lambda: len(children.read_text(encoding="ascii").split()) == 1, "the keyholder's children end")
    time.sleep(_WARMED_UP)
    return {"daemon": _weigh(daemon.pid), "keyholder": _weigh(daemon.keyholder)}


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
    """Weigh after `first` cycles and after `count`: the difference is noise."""
    for _ in range(first):
        cycle()
    before = _settled(daemon)
    for _ in range(count - first):
        cycle()
    after = _settled(daemon)
    words = f"{count} cycles: " + "; ".join(f"{name} {before[name]} -> {after[name]}" for name in before)
    print(words)
    for name in before:
        grown = Weight(*(now - then for now, then in zip(after[name], before[name], strict=True)))
        assert all(more <= noise for more, noise in zip(grown, _NOISE, strict=True)), words


@pytest.mark.parametrize(
    ("project", "count"),
    [
        ("", 200),
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
