"""The process behind tests/system/forked.py: it has loaded the daemon, and forks one for each order.

`python forking.py SOCKET`. An order is an environment, with a descriptor that hears of the start, and one of the log.
"""

import array
import ctypes
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from envfs.daemon import __main__ as entry
from envfs.daemon import trio_start

_LARGEST = 1 << 14


def load() -> None:
    """Load what a daemon loads."""
    gc.disable()
    trio_start.load_trio()
    from envfs.control import dispatch
    from envfs.daemon import daemon  # noqa: F401 - loaded for those that are forked
    from envfs.fuse import binding_start

    binding_start.load_pyfuse3()
    from envfs.fuse import crowding, mount, operations, touching, withdrawal  # noqa: F401 - the same

    dispatch.load_handlers()
    gc.freeze()


def main() -> None:
    """Fork until the other end of the socket is closed."""
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, ancillary, _, _ = orders.recvmsg(_LARGEST, socket.CMSG_SPACE(8))
        if not message:
            return
        ready, log = array.array("i", ancillary[0][2])
        if os.fork() == 0:
            _become(json.loads(message), ready, log)
            os._exit(entry.main())
        os.close(ready)
        os.close(log)


def _become(environ: dict[str, str], ready: int, log: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    _show(environ)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["envfs", "serve", "--ready", str(ready)]


def _show(environ: Mapping[str, str]) -> None:
    """Let /proc show another environment of this process, in the place of that with which it was started."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b") ")[2].split()
    begin, end = int(fields[47]), int(fields[48])  # proc(5): env_start and env_end
    text = b"".join(os.fsencode(f"{name}={value}\0") for name, value in environ.items())
    assert len(text) < end - begin
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    main()
