"""`python -m envfs.keyholder DESCRIPTOR`: started by the daemon with one end of a socket pair, and by nobody else.

One child waits for the next conversation while others are at work, and rehearses meanwhile, so that nobody waits for a
fork or for a page. A child takes one conversation and ends.
"""

import array
import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time

from envfs.host import hardening, surprises
from envfs.keyholder import confinement, conversation
from envfs.keyholder.confinement import Confinement
from envfs.keyholder.keyring import Keyring
from envfs.keyholder.rehearsal import Rehearsal
from envfs.protocol import keyholding

_TAKEN, _OVER = b"t", b"o"  # what a child says to its parent: it has a conversation; there will be no more
_IDLE = 0.3  # seconds: a keyholder for one command never comes to rehearse
_ROUNDS = 12  # the interpreter makes code quicker that has run a few times
_MOST_REFUSED = 50
_CALM = 0.1  # a child that ends before it has a conversation must not be followed in a tight circle


def main() -> int:
    """Keep one child waiting for the daemon's next conversation; end when the daemon is gone."""
    hardening.harden_keyholder()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children reap themselves
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a key typed at the terminal is for the daemon; it ends us by closing
    daemon = socket.socket(fileno=int(sys.argv[1]))
    keyring = Keyring()
    confined = confinement.confine()  # all that it needs is loaded; from here on it opens nothing
    gc.freeze()
    rehearsal: Rehearsal | None = None
    refused = 0
    while True:
        try:
            waiting = _fork(keyring, daemon, confined, rehearsal)
        except OSError:
            # too many processes, too little memory: mostly for a moment, and to end would be to forget every key
            refused += 1
            if refused > _MOST_REFUSED:
                return keyholding.NO_ROOM
            time.sleep(_CALM)
            continue
        refused = 0
        if rehearsal is None and not _is_readable(waiting, _IDLE):
            rehearsal = Rehearsal()  # for the children after the one that waits now
            rehearsal.run(_ROUNDS)
            gc.freeze()
        word = os.read(waiting, 1)
        os.close(waiting)
        if word == _OVER:
            return 0
        if not word:
            time.sleep(_CALM)


def _is_readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _fork(keyring: Keyring, daemon: socket.socket, confined: Confinement, rehearsal: Rehearsal | None) -> int:
    # returns where the child will say that it has a conversation
    reading, writing = os.pipe()
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if child == 0:
        os.close(reading)
        if rehearsal is not None and not _is_readable(daemon.fileno(), 0):
            rehearsal.run()
        _child(keyring, daemon, confined, writing, parent)
    os.close(writing)
    return reading


def _child(keyring: Keyring, daemon: socket.socket, confined: Confinement, parent_hears: int, parent: int) -> None:
    status = 1
    gc.disable()  # it ends after one request: to look for garbage is a third of the work on a long text
    try:
        hardening.end_with(parent)
        connection = _next(daemon)
        with contextlib.suppress(BrokenPipeError):  # both of us are being ended
            os.write(parent_hears, _OVER if connection is None else _TAKEN)
        os.close(parent_hears)
        daemon.close()
        if connection is not None:
            conversation.hold(keyring, connection, confined)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, the child must end here and not go on as a second parent
        surprises.report(error)
    finally:
        os._exit(status)


def _next(daemon: socket.socket) -> socket.socket | None:
    data, ancillary, _, _ = daemon.recvmsg(1, socket.CMSG_SPACE(4))
    if not data:
        return None
    descriptors = array.array("i")
    for _, _, passed in ancillary:
        descriptors.frombytes(passed)
    return socket.socket(fileno=descriptors[0])


if __name__ == "__main__":
    sys.exit(main())
