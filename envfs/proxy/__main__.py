"""`python -m envfs.proxy DESCRIPTOR`: started by the daemon with one end of a socket pair, and by nobody else."""

import gc

if __name__ == "__main__":
    gc.disable()  # modules stay: to look for garbage among them takes a fifteenth of the start

import os
import signal
import sys

import trio

from envfs.host import surprises
from envfs.host.process import hardening
from envfs.proxy.server import serve_proxy


def main() -> int:
    """Serve a session. This process can be traced and dumped by nobody of its uid, and ends with the daemon."""
    gc.freeze()
    gc.enable()
    hardening.harden()
    hardening.give_up_privileges()
    hardening.end_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key typed at the terminal is for the command
    try:
        trio.run(serve_proxy, int(sys.argv[1]))
    except BaseException as error:  # noqa: BLE001 - whatever it is, its text may hold a value
        surprises.report_bug(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
