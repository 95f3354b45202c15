"""Sixty-four readers, and one more whose read waits for a person: it costs the others nothing, and nobody starves."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

from case_read import reader_command
from home import Home
from rounds import Contest, Contestant, Sample
from samples import LEVELS, text

LEVEL, ASKED = LEVELS[-1], "/shop/asked"
READERS, MILLISECONDS = 64, "800"
BESIDE, SLOWEST = 1.1, 2.0
_WAITS = 'unattended = "wait"'
_SECONDS = 10.0


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest for what the waiting costs, and one for how the readers share."""
    with tempfile.TemporaryDirectory(prefix="envfs-bench-", dir="/dev/shm") as folder, Home(mounted=False) as home:
        with (home.path / "envfs.toml").open("a", encoding="utf-8") as settings:
            settings.write(f"\n[approvals]\n{_WAITS}\n")
        home.mount()
        home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate((*LEVELS, ASKED))})
        home.envfs("grant", ASKED, "--uid", str(os.geteuid()), "--decision", "ask")
        command, note = reader_command(Path(folder))
        command = [*command, home.view(LEVEL), str(READERS), MILLISECONDS]
        alone = Contestant("alone", partial(_half, command))
        beside = Contestant("beside one that waits", partial(_beside, home, command), BESIDE)
        yield Contest(f"{READERS} readers and a question", (alone, beside), rounds, f"p50 of open, read, close. {note}")
        mean = Contestant("mean of the readers", partial(_share, command, slowest=False))
        slowest = Contestant("slowest reader", partial(_share, command, slowest=True), SLOWEST)
        yield Contest(f"{READERS} readers", (mean, slowest), rounds, "time for a read, by the reads of 0.8 s")


def _figures(command: list[str]) -> tuple[int, ...]:
    return tuple(map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


def _half(command: list[str]) -> Sample:
    reads, elapsed, p50, p99, _ = _figures(command)
    return Sample(p50 / 1e9, p99 / 1e9, reads / elapsed * 1e9)


def _share(command: list[str], *, slowest: bool) -> Sample:
    reads, elapsed, _, _, least = _figures(command)
    return Sample(elapsed / max(1.0, least if slowest else reads / READERS) / 1e9)


def _beside(home: Home, command: list[str]) -> Sample:
    with _waiting(home):
        return _half(command)


@contextlib.contextmanager
def _waiting(home: Home) -> Iterator[None]:
    reader = subprocess.Popen(["cat", home.view(ASKED)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _SECONDS
        while ASKED not in home.envfs("approvals", "ls", "--json"):
            if reader.poll() is not None or time.monotonic() > until:
                raise RuntimeError("no question came")
            time.sleep(0.05)
        yield
        if reader.poll() is not None:
            raise RuntimeError("it did not wait")
    finally:
        reader.terminate()
        reader.wait()
