"""The signals that wait for a thread which waits in the kernel.

The kernel tells a program that serves a file system of a signal, but pyfuse3 drops that. A caller in `open` would
ignore even SIGKILL until it is answered. So /proc is asked (proc_pid_status(5)).

Law: a signal that the thread blocks or ignores does not count, nor does one that only reports or stops: the call would
fail, and most programs do not try it again.
"""

import signal

from envfs.host.evidence.process_files import process_folder, process_status

_QUIET = (  # they report something, or stop the process: that may wait until the caller is answered
    *(signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT),
    *(signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)
_QUIET_MASK = sum(1 << (number - 1) for number in _QUIET)
_KILL_MASK = 1 << (signal.SIGKILL - 1)
_NAMES = (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn")


def is_interrupted(thread: int) -> bool:
    """Tell whether a signal waits for a thread that would end or divert it, or the thread has gone."""
    try:
        with process_folder(thread) as folder:
            return is_pending(process_status(folder))
    except OSError:
        return True


def is_pending(status: bytes) -> bool:
    """Tell of the text of a thread's `status` whether such a signal waits."""
    own, shared, blocked, ignored = (_mask(status, name) for name in _NAMES)
    pending = own | shared
    return bool(pending & _KILL_MASK or pending & ~blocked & ~ignored & ~_QUIET_MASK)


def _mask(status: bytes, name: bytes) -> int:
    return int(status.partition(b"\n" + name + b":\t")[2].partition(b"\n")[0] or b"0", 16)
