"""kill -9 of any process while several writers change everything: nothing acknowledged is lost, nothing is to repair.

A round begins with a fresh daemon, which must find all that the round before was told. Then the writers begin, and
something is killed. What was asked for and not told any more may be done or not, and nothing else may be so.
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Self

import pytest

from tests.conftest import copied
from tests.system import comparing
from tests.system.crashing import Served
from tests.system.expected import NAMES, Body, Change, Expected
from tests.system.home import ENVFS, SECONDS, Home, eventually, processes_of
from tests.system.load import SHARED
from tests.system.peer import Peer

_WRITERS = 4
_ROUNDS_OF_A_HOME = 14  # each check looks at all that the home holds
_LONGEST = 1.2  # seconds until the kill: some ten changes of each writer
WHO = ("daemon", "keyholder", "both", "child", "writer", "command", "command alone")
_TIMES = {"child": 4, "writer": 3, "command": 6}  # kills in a round
_SOME = ("daemon", "keyholder", "command alone")
_GONE = ("keyholder-gone", "locked")  # what a request is told whose keyholder was killed


class Writer:
    """A writer in a process of its own, what its levels must hold, and what it asked for last if it was not told."""

    def __init__(self, home: Home, number: int) -> None:
        self.home, self.name = home, f"W{number}"
        self.expected = Expected((f"/w{number}/a", f"/w{number}/b", f"/v{number}/a", f"/v{number}/b/c"))
        self.pending: Change | None = None
        self.acknowledged = 0
        self._told = home.path / f"load-{number}.jsonl"
        self._read_to = 0
        self._ended = False
        self._start()

    def _start(self) -> None:
        words = [sys.executable, "-m", "tests.system.load", str(self.home.socket), str(self._told), self.name]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])

    def begin(self, seed: int) -> None:
        if self.process.poll() is not None:
            self.close()
            self._start()
        self._ended = False
        self._send(json.dumps({"seed": seed, "expected": self.expected.to_json()}))

    def stop(self) -> None:
        """Let the round end, and take what was told in it."""
        self._send("")

        def is_over() -> bool:
            gone = self.process.poll() is not None
            self.listen()
            return self._ended or gone

        eventually(is_over, f"{self.name} ends its round: {self.pending}")

    def listen(self) -> None:
        """Take what was told until now."""
        self._ended = self._take() or self._ended

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _take(self) -> bool:
        # tells whether the round is over
        with self._told.open("rb") if self._told.exists() else contextlib.nullcontext() as file:
            if file is None:
                return False
            file.seek(self._read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        over = [self._heard(json.loads(line)) for line in whole.splitlines()]
        return any(over)

    def _heard(self, said: Body) -> bool:
        match said:
            case {"asked": [dict(body), list(secrets)]}:
                self.pending = Change(body, tuple(secrets))
                self.expected.count += len(NAMES)  # at least as many values as it took
            case {"told": {"type": "failed", "code": code, "text": text}}:
                assert code in _GONE, (self.pending, code, text)
            case {"told": dict(reply)}:
                assert self.pending is not None
                version = reply.get("version") if reply["type"] == "written" else None
                self.expected.apply(self.pending, int(str(version)) if version is not None else None)
                self.pending = None
                self.acknowledged += 1
        return "ended" in said

    def close(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS)
        self.process.kill()
        self.process.wait()


class Commands:
    """`envfs set` in a process of its own, one after the other: the client that is killed."""

    level, name = "/commands", "LAST"

    def __init__(self, home: Home) -> None:
        self.home, self.count, self.last = home, 0, ""
        self.pending: set[str] = set()  # of the round: one that was killed may come after a later one
        self.acknowledged = 0

    def run(self, seconds: float, *, killed: str) -> None:
        """Set a value, and kill one of the processes of the command, or all that work at this home, after so long."""
        self.count += 1
        value = f"command-{self.count}"
        self.pending.add(value)
        words = [ENVFS, "set", self.level, self.name]
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.home.environ()
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(value.encode())
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        if killed == "command":
            process.kill()
        else:
            for pid in processes_of(self.home.path):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait(SECONDS)
        if process.returncode == 0:
            self.last = value
            self.acknowledged += 1


class Load:
    """One home, its writers, and the rounds in it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.writers = [Writer(home, number) for number in range(_WRITERS)]
        self.commands = Commands(home)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.process.kill()
            writer.close()
        self.home.clear_mounts()

    @property
    def acknowledged(self) -> int:
        return sum(each.acknowledged for each in (*self.writers, self.commands))

    def _listen(self) -> int:
        for writer in self.writers:
            writer.listen()
        return self.acknowledged

    def round(self, who: str, chance: random.Random) -> int:
        """Check what there is with a fresh daemon; then begin the load, and kill. Returns how often."""
        with Served(self.home) as served:
            self.check(served.peer)
            if who == "command alone":
                served.peer.socket.close()
                os.kill(served.pid, signal.SIGTERM)
                served.wait()
                self.commands.run(chance.uniform(0.02, 0.8), killed=who)
                return 1
            for writer in self.writers:
                writer.begin(chance.randrange(1 << 30))
            acknowledged = self.acknowledged
            eventually(lambda: self._listen() > acknowledged, "the writers are at work")
            for _ in range(_TIMES.get(who, 1)):  # where the others go on: that is a part of the promise
                seconds = chance.uniform(0.0, _LONGEST)
                if who == "command":
                    self.commands.run(seconds, killed=who)
                else:
                    time.sleep(seconds)
                    _kill(served, self.writers, who, chance)
            for writer in self.writers:
                writer.stop()
        return _TIMES.get(who, 1)

    def check(self, peer: Peer) -> None:
        """Look at all that was told."""
        comparing.check_start(peer)
        for writer in self.writers:
            comparing.check_levels(peer, writer.expected, writer.pending)
            comparing.check_rules(peer, writer.expected, writer.pending)
            writer.pending = None
        self._check_shared(peer)
        comparing.check_whole(peer, self.home)
        assert (self.home.path / "printed").read_text(encoding="utf-8") == ""

    def _check_shared(self, peer: Peer) -> None:
        there = comparing.own_text(peer, SHARED) or {}
        assert there == {writer.name: writer.expected.shared for writer in self.writers if writer.expected.shared}
        commands = self.commands
        value = (comparing.own_text(peer, commands.level) or {}).get(commands.name, "")
        assert value in {commands.last, *commands.pending}, (value, commands.last, commands.pending)
        commands.last = value
        commands.pending.clear()


def _kill(served: Served, writers: list[Writer], who: str, chance: random.Random) -> None:
    if who == "writer":
        chance.choice([writer for writer in writers if writer.process.poll() is None]).process.kill()
    elif who == "child":
        children = Path(f"/proc/{served.keyholder}/task/{served.keyholder}/children").read_text(encoding="ascii")
        for child in children.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
    else:
        served.kill(who)


def _rounds(bare: Home, ground: Path, count: int, seed: int, some: tuple[str, ...] = WHO) -> tuple[Counter[str], int]:
    """Go through so many rounds; returns who was killed how often, and how many changes were acknowledged."""
    chance, killed, acknowledged, turn = random.Random(seed), Counter[str](), 0, itertools.cycle(some)
    while killed.total() < count:
        home = copied(bare, ground / f"load-{time.monotonic_ns()}")
        with Load(home) as load:
            for who in itertools.islice(turn, min(_ROUNDS_OF_A_HOME, count - killed.total())):
                try:
                    killed[who] += load.round(who, chance)
                except BaseException as error:
                    error.add_note(f"round {killed.total()}, {who}; again with ENVFS_CRASH_SEED={seed}; {home.path}")
                    raise
            with Served(home) as served:
                load.check(served.peer)
            acknowledged += load.acknowledged
            print(f"{killed.total()} kills, {acknowledged} changes acknowledged and all there", flush=True)
        shutil.rmtree(home.path)
    return killed, acknowledged


def test_a_load_of_writers_survives_the_kill_of_each_process(bare: Home, ground: Path) -> None:
    killed, acknowledged = _rounds(bare, ground, len(_SOME), 1, _SOME)
    assert set(killed) == set(_SOME)
    assert acknowledged > 0


@pytest.mark.soak
def test_a_load_of_writers_is_killed_at_a_thousand_moments(bare: Home, ground: Path) -> None:
    count = int(os.environ.get("ENVFS_KILLS", "1000"))
    seed = int(os.environ.get("ENVFS_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    begun = time.monotonic()
    killed, acknowledged = _rounds(bare, ground, count, seed)
    print(f"{killed.total()} kills ({dict(killed)}), {acknowledged} changes acknowledged and all there, seed {seed},")
    print(f"{time.monotonic() - begun:.0f} s")
