"""A power cut at any moment: of all states that the disk may be in, each one starts, verifies, and has what was told.

The calls of a daemon that carries out one change after the other are recorded. Then the state of the disk between two
of them is made, with what was not synced there, or not, or in part (`disk.py`), and a fresh daemon is started on it.
"""

import os
import random
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import copied
from tests.system import comparing
from tests.system.alone import Alone
from tests.system.crashing import STRACE, Served
from tests.system.disk import CALLS, Call, Disk, parsed_calls, replies
from tests.system.expected import Body, Change, Expected
from tests.system.home import Home, eventually
from tests.system.peer import Peer

pytestmark = pytest.mark.skipif(not STRACE, reason="needs strace")
_LEVELS = ("/shop/prod", "/shop/dev", "/blog/a", "/blog/b/c")
_RECIPIENT = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"
_NOT_KEPT = ("run", "mnt", "printed", "daemon.lock")  # in memory, or of no meaning when nothing runs
_SHARES = (0.0, 0.0, 0.3, 0.6, 0.9, 1.0)


@dataclass
class Recording:
    """What a home was before, the calls of its daemon, and what was certain after so many replies."""

    home: Home
    disk: Disk
    calls: list[Call] = field(default_factory=list)
    known: list[tuple[int, Expected]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def at(self, told: int) -> tuple[Expected, Change | None]:
        """Return what was certain after so many replies, and the change that was under way."""
        number = max(at for at, (count, _) in enumerate(self.known) if count <= told)
        return self.known[number][1].copy(), self.changes[number] if number < len(self.changes) else None


class Counted(Peer):
    """A peer that counts the replies."""

    replies = 0

    def ask_all(self, body: Body, secrets: tuple[str, ...] = ()) -> tuple[list[Body], Body]:
        answer = super().ask_all(body, secrets)
        self.replies += 1
        return answer


def _is_left_out(home: Home, path: Path) -> bool:
    return path.parent == home.path and path.name in _NOT_KEPT


def _others(chance: random.Random) -> list[Change]:
    """Return changes of more than one level: of keys, of settings, of the log."""
    listed = [
        Change({"type": "new-project", "project": "other", "custody": "managed"}),
        Change({"type": "change-recipients", "project": "shop", "add": [_RECIPIENT]}),
        Change({"type": "change-recipients", "project": "shop", "remove": [_RECIPIENT]}),
        Change({"type": "add-recovery", "recipient": _RECIPIENT}),
        Change({"type": "rotate-log"}),
        Change({"type": "rotate-key", "project": "blog"}),
    ]
    return listed + [Change({"type": "grant-access", "level": level, "uid": 20_001}) for level in _LEVELS[:2]]


def _record(home: Home, trace: Path, count: int, chance: random.Random) -> Recording:
    expected = Expected(_LEVELS)
    with Served(home) as served:
        recording = Recording(home, Disk(home.path, served.pid, lambda path: _is_left_out(home, path)))
        others = _others(chance)
        author = str(served.peer.ask_all({"type": "list-authors"})[0][0]["author"])
        others.insert(1, Change({"type": "name-author", "author": author, "name": "me"}))
        with Traced(served.pid, trace), Counted(home.socket) as peer:
            recording.known.append((0, expected.copy()))
            for number in range(count):
                is_other = others and number > 5 and number % 3 == 0
                change = others.pop(0) if is_other else expected.choose(chance)
                recording.changes.append(change)
                _, reply = peer.ask_all(change.body, change.secrets)
                assert reply["type"] != "failed", (change, reply)
                version = reply.get("version") if reply["type"] == "written" else None
                expected.apply(change, int(str(version)) if version is not None else None)
                recording.known.append((peer.replies, expected.copy()))
            peer.ask({"type": "status"})  # so that the last reply is in the record too
    home.clear_mounts()
    recording.calls = parsed_calls(trace.read_text(encoding="ascii"))
    return recording


class Traced:
    """Has a process traced for as long as the block lasts."""

    def __init__(self, pid: int, out: Path) -> None:
        command = [str(STRACE), "-f", "-xx", "-s", str(1 << 24), "-p", str(pid), "-e", f"trace={','.join(CALLS)}"]
        self._child = subprocess.Popen([*command, "-o", str(out)], stderr=subprocess.DEVNULL)
        status = Path(f"/proc/{pid}/status")
        eventually(lambda: "TracerPid:\t0\n" not in status.read_text(encoding="utf-8"), "strace has come")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait(60)


def _cut(recording: Recording, moments: dict[int, float], seed: int) -> Counter[str]:
    """Go through the calls, and at each of these moments leave what a power cut would, and look at it."""
    seen, told = Counter[str](), 0
    disk, home = recording.disk, recording.home
    for number, call in enumerate(recording.calls):
        told += replies(call)
        if disk.take(call):
            seen[call.name] += 1
        if number in moments:
            share = moments[number]
            shutil.rmtree(home.path / "run", ignore_errors=True)
            disk.leave(home.path, random.Random(f"{seed} {number}"), share)
            home.forget_witness()
            try:
                _check(home, *recording.at(told))
            except BaseException as error:
                kept = recording.calls[max(0, number - 12) : number + 1]
                lines = "\n".join(f"{each.name}({each.handle}, {each.texts[:2]!r:.300}" for each in kept)
                error.add_note(f"cut {number}, share {share}, seed {seed}, change {recording.at(told)[1]}\n{lines}")
                raise
    return seen


def _check(home: Home, expected: Expected, change: Change | None) -> None:
    with Alone(home) as alone:
        finished = comparing.is_finished(alone.peer)
        if finished:
            _look_at(alone.peer, home, expected, change)
    if not finished:  # a daemon that goes on finishes it, and one for a single command does not
        try:
            with Served(home) as served:
                _look_at(served.peer, home, expected, change)
        finally:
            home.clear_mounts()


def _look_at(peer: Peer, home: Home, expected: Expected, change: Change | None) -> None:
    comparing.check_start(peer)
    comparing.check_levels(peer, expected, change)
    comparing.check_rules(peer, expected, change)
    _, reply = peer.ask_all({"type": "set-variable", "level": "/next", "name": "A"}, ("1",))
    assert reply["type"] == "written", reply
    comparing.check_whole(peer, home)


def _cuts(bare: Home, ground: Path, count: int, changes: int, seed: int) -> str:
    chance = random.Random(seed)
    home = copied(bare, ground / f"cut-{seed}-{time.monotonic_ns()}")
    trace = ground / f"{home.path.name}.trace"
    recording = _record(home, trace, changes, chance)
    assert sum(map(replies, recording.calls)) == recording.known[-1][0]
    lasting = [at for at, call in enumerate(recording.calls) if call.name not in ("openat", "close")]
    moments = {at: _SHARES[number % len(_SHARES)] for number, at in enumerate(chance.sample(lasting, count))}
    seen = _cut(recording, moments, seed)
    trace.unlink()
    shutil.rmtree(home.path)
    return f"{count} cuts in {len(recording.calls)} calls ({dict(seen)}) of {changes} changes, seed {seed}"


def test_what_a_power_cut_leaves_starts_and_has_all_that_was_told(bare: Home, ground: Path) -> None:
    print(_cuts(bare, ground, 6, 30, 1))


@pytest.mark.soak
def test_two_hundred_power_cuts(bare: Home, ground: Path) -> None:
    count = int(os.environ.get("ENVFS_CUTS", "200"))
    first = int(os.environ.get("ENVFS_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    for seed in range(first, first + count // 50):
        print(_cuts(bare, ground, 50, 60, seed))
