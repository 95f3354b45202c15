"""A small process beside the daemon, which ends the mount if the daemon does not answer: `python watchdog.py …`.

    watchdog.py HEARTBEAT DAEMON ABORT PID SECONDS      three descriptors (ABORT may be -1) and two numbers

A daemon that is stopped or stuck holds every reader, `ls` and `df` for ever. So it sends a byte through the pipe
HEARTBEAT each time that its loop and its mount have answered. When none came for SECONDS, the connection of its mount
is aborted (`/sys/fs/fuse/connections/N/abort`, open as ABORT), and readers get ENOTCONN. Where that cannot be written,
the process behind the pidfd DAEMON is killed, which ends the connection as well.

Laws: this file imports nothing of EnvFS and holds nothing of it. It ends with the daemon. Time in which the machine or
this process itself did not run does not count, and neither does time in which somebody traces the daemon. Of time in
which the daemon waits for its disk (state D) a tenth counts.
"""

import os
import select
import signal
import sys
import time

_STEP = 0.5
_DISK = 10  # a daemon that waits for its disk is given so many times as long: readers of that disk wait too


def main() -> int:
    """Watch until the daemon has ended or was given up."""
    heartbeat, daemon, abort, pid = (int(word) for word in sys.argv[1:5])
    patience = float(sys.argv[5])
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it ends when the daemon has: not before, as the end can get stuck too
    if watch_heartbeat(heartbeat, pid, patience):
        sys.stderr.write(f"envfs: the daemon did not answer for {patience:g} s: its mount is ended\n")
        sys.stderr.flush()
        give_up(daemon, abort)
    return 0


def watch_heartbeat(heartbeat: int, pid: int, patience: float) -> bool:
    """Return True once nothing came for so many seconds, and False when the daemon has ended."""
    silent = 0.0
    poll = select.poll()
    poll.register(heartbeat, select.POLLIN)
    while silent < patience:
        begun = time.monotonic()
        if poll.poll(int(_STEP * 1000)):
            if not os.read(heartbeat, 4096):
                return False
            silent = 0.0
            continue
        waited = time.monotonic() - begun
        status = _status(pid)
        if waited > 2 * _STEP or b"\nTracerPid:\t0\n" not in status:
            silent = 0.0  # this process was stopped too, or a debugger has the daemon
        else:
            silent += waited / (_DISK if b"\nState:\tD" in status else 1)
    return True


def give_up(daemon: int, abort: int) -> None:
    """End the connection of the mount, or else the daemon."""
    try:
        os.write(abort, b"1")
    except OSError:
        try:
            signal.pidfd_send_signal(daemon, signal.SIGKILL)
        except OSError:
            return  # it has ended meanwhile


def _status(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return file.read()
    except OSError:
        return b"\nTracerPid:\t0\n"


if __name__ == "__main__":
    sys.exit(main())
