"""`unmount`: undo the mount and end the daemon."""

import os
import sys
import time

from envfs import interpreter
from envfs.errors import NotRunning, TimedOut
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client
from envfs_cli.process import forking
from envfs_cli.terminal import prompts

_SECONDS = 10.0
_STEP = 0.02


class UnmountArguments(NamedTuple):
    """The arguments of `unmount`: there are none."""


def run_unmount(_arguments: UnmountArguments) -> int:
    """End the daemon and wait until the mount is gone.

    Raises:
        TimedOut: it does not end within ten seconds
    """
    link = client.running_daemon()
    if link is None:
        return _remove_dead_mounts()
    report, _ = link.ask(control.Status())
    link.ask(control.Unmount())
    pid = report.pid if isinstance(report, control.StatusReport) else 0
    until = time.monotonic() + _SECONDS
    with prompts.Waiting("unmounting"):
        while pid and _runs(pid):
            if time.monotonic() > until:
                raise TimedOut("the daemon does not end", f"its process id is {pid}")
            time.sleep(_STEP)
    output.done("unmounted")
    return 0


def _remove_dead_mounts() -> int:
    # what a killed daemon left. Only the daemon's side may look at mounts
    command = interpreter.start_command("envfs.daemon.__main__", "clear")
    try:
        status = os.spawnv(os.P_WAIT, sys.executable, command)  # noqa: S606
    except OSError as error:
        raise forking.no_process(error) from None
    if status == NotRunning.status:
        raise NotRunning("no daemon runs here, so nothing is mounted")
    return status


def _runs(pid: int) -> bool:
    # its state is for everybody to see. Its other entries are root's alone, as it is not dumpable
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False
