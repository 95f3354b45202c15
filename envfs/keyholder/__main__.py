"""`python -m envfs.keyholder DESCRIPTOR`: started by the daemon with one end of a socket pair, and by nobody else."""

import array
import gc
import os
import signal
import socket
import sys
import traceback

from envfs.host import hardening, landlock
from envfs.keyholder import conversation
from envfs.keyholder.keyring import Keyring


def main() -> int:
    """Fork a child for every conversation that the daemon opens; end when the daemon is gone."""
    hardening.harden_keyholder()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children reap themselves
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a key typed at the terminal is for the daemon; it ends us by closing
    daemon = socket.socket(fileno=int(sys.argv[1]))
    keyring = Keyring()
    landlock.confine()  # all that it needs is loaded; from here on it opens nothing
    gc.freeze()
    parent = os.getpid()
    while (connection := _next(daemon)) is not None:
        if os.fork() == 0:
            hardening.end_with(parent)  # or it would answer for a keyholder whose successor knows nothing of it
            daemon.close()
            _child(keyring, connection)
        connection.close()
    return 0


def _next(daemon: socket.socket) -> socket.socket | None:
    data, ancillary, _, _ = daemon.recvmsg(1, socket.CMSG_SPACE(4))
    if not data:
        return None
    descriptors = array.array("i")
    for _, _, passed in ancillary:
        descriptors.frombytes(passed)
    return socket.socket(fileno=descriptors[0])


def _child(keyring: Keyring, connection: socket.socket) -> None:
    status = 1
    try:
        conversation.hold(keyring, connection)
        status = 0
    except Exception:  # noqa: BLE001 - whatever it is, the child must end here and not go on as a second parent
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
