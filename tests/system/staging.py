"""Becomes a command in a process state made to order, by the kernel's own calls: the interpreter stands in no way.

`python staging.py JSON`; texts in it stand for bytes (Latin-1). Nothing is imported from the tests.
"""

import ctypes
import json
import os
import resource
import signal
import sys

_libc = ctypes.CDLL(None, use_errno=True)
_FIXED = (signal.SIGKILL, signal.SIGSTOP, 32, 33)  # the last two are the C library's


def main() -> None:
    """Make the state, then become the command."""
    order = json.loads(sys.argv[1])
    for number in set(range(1, 65)) - set(_FIXED):
        signal.signal(number, signal.SIG_IGN if number in order["ignored"] else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, order["blocked"])
    if order["odd"]:
        os.umask(0o027)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
        _libc.prctl(29, 123_456, 0, 0, 0)  # PR_SET_TIMERSLACK
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("321")
    for number in order["closed"]:
        os.close(number)
    words, environ = ([each.encode("latin-1") for each in order[key]] for key in ("words", "environ"))
    vectors = [(ctypes.c_char_p * (len(each) + 1))(*each, None) for each in (words, environ)]
    _libc.execve(words[0], *vectors)
    os._exit(99)


if __name__ == "__main__":
    main()
