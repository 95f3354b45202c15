"""A process that ends when a test wants it, named as a rule names the one that it ends with."""

import contextlib
import os
import subprocess
from collections.abc import Iterator

from envfs.core.access.rule import RuleProcess
from envfs.host.callers import rule_processes


@contextlib.contextmanager
def running() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that ends when its standard input does."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        yield process


def named(pid: int) -> RuleProcess:
    """Name a running process."""
    pidfd = os.pidfd_open(pid)
    try:
        process = rule_processes.name_process(pid, pidfd)
    finally:
        os.close(pidfd)
    assert process is not None
    return process


def wait_for_end(pid: int) -> None:
    """Wait until a child has ended, and leave it where it is: nobody has asked for its status yet."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
