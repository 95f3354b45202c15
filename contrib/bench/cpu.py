"""Processor time of other processes, to the nanosecond: other work on the machine is not in it."""

import os
from pathlib import Path


def spent_ns(process: int) -> int:
    """Return the time for which a process and its threads ran (schedstat)."""
    texts = (path.read_text(encoding="ascii") for path in Path(f"/proc/{process}/task").glob("*/schedstat"))
    return sum(int(text.split()[0]) for text in texts)


def ticks(process: int) -> tuple[int, int]:
    """Return for how many ticks a process ran in its own code, and in the kernel (proc_pid_stat(5))."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def pin(process: int, processor: int) -> None:
    """Let a process and its threads run on one processor alone."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), {processor})
