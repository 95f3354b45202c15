"""What a process takes, and whether it takes more than before: for tests of leaks.

An idle thread of a pool is no leak. It costs five mappings (its stack and the guard of that, its arena and the room for
that, what it keeps of its own), of which four stay when it ends; two of them may come or go between two looks.
"""

import os
from pathlib import Path
from typing import NamedTuple

_IDLE_THREADS = 2
_MAPPINGS_OF_A_THREAD = 5


class Weight(NamedTuple):
    """What a process takes: KiB of memory, and counts."""

    resident: int
    share: int
    descriptors: int
    threads: int
    mappings: int


NOISE = Weight(1024, 1024, 2, _IDLE_THREADS, 4 + _IDLE_THREADS * _MAPPINGS_OF_A_THREAD)


def weigh(pid: int) -> Weight:
    """Return what a process takes now."""
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


def grown(before: Weight, after: Weight) -> list[str]:
    """Name what grew by more than noise."""
    return [
        name for name, then, now, noise in zip(Weight._fields, before, after, NOISE, strict=True) if now - then > noise
    ]
