"""A small process beside the daemon, which ends the mount if the daemon does not answer: `python watchdog.py …`.

    watchdog.py HEARTBEAT DAEMON ABORT PID SECONDS DEVICE   three descriptors (ABORT may be -1), two numbers, and
                                                            the mount's device as the kernel lists it, 0:40

A daemon that is stopped or stuck holds every reader, `ls` and `df` for ever. So it sends a byte through the pipe
HEARTBEAT each time that its loop and its mount have answered. When none came for SECONDS, the connection of its mount
is aborted (`/sys/fs/fuse/connections/N/abort`, open as ABORT), and readers get ENOTCONN. Where that cannot be written,
unmounting by force aborts it too, and the process behind the pidfd DAEMON is killed, which ends the connection if
no thread of it waits for an answer of its own mount. A killed daemon of which one does so cannot end before the
connection does. It is given no time at all.

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
_FORCE = 1 | 8  # MNT_FORCE, and no link is followed: umount(2)
_DISK = 10  # a daemon that waits for its disk is given so many times as long: readers of that disk wait too


def main() -> int:
    """Watch until the daemon has ended or was given up."""
    heartbeat, daemon, abort, pid = (int(word) for word in sys.argv[1:5])
    patience = float(sys.argv[5])
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it ends when the daemon has: not before, as the end can get stuck too
    if watch_heartbeat(heartbeat, pid, patience):
        sys.stderr.write(f"envfs: the daemon did not answer for {patience:g} s, or was killed: its mount is ended\n")
        sys.stderr.flush()
        give_up(daemon, abort, sys.argv[6])
    return 0


def watch_heartbeat(heartbeat: int, pid: int, patience: float) -> bool:
    """Return True once nothing came for so many seconds, or a killed daemon cannot end. False when it has ended."""
    silent, was_dead = 0.0, False
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
        is_dead = b"\nState:\tZ" in status  # the pipe of one that can end is closed a moment later
        if is_dead and was_dead:
            return True
        was_dead = is_dead
        if waited > 2 * _STEP or b"\nTracerPid:\t0\n" not in status:
            silent = 0.0  # this process was stopped too, or a debugger has the daemon
        else:
            silent += waited / (_DISK if b"\nState:\tD" in status else 1)
    return True


def give_up(daemon: int, abort: int, device: str) -> None:
    """End the connection of the mount, or else the daemon."""
    try:
        os.write(abort, b"1")
    except OSError:
        _unmount_by_force(device.encode())
        try:
            signal.pidfd_send_signal(daemon, signal.SIGKILL)
        except OSError:
            return  # it has ended meanwhile


def _unmount_by_force(device: bytes) -> None:
    # the kernel aborts the connection, though the mount itself may be in use and stay. Only root may
    import codecs  # noqa: PLC0415 - these two are no part of what a watchdog holds all its life
    import ctypes  # noqa: PLC0415

    with open("/proc/self/mountinfo", "rb") as file:
        points = [fields[4] for fields in map(bytes.split, file) if fields[2] == device]
    for point in points:
        ctypes.CDLL(None).umount2(codecs.escape_decode(point)[0], _FORCE)


def _status(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return file.read()
    except OSError:
        return b"\nTracerPid:\t0\n"


if __name__ == "__main__":
    sys.exit(main())
