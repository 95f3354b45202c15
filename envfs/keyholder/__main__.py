"""The way into the keyholder: the daemon starts it, and nobody else, with one end of a socket pair.

A few children wait for the next conversations while others are at work, and warm up meanwhile, so that nobody waits
for a fork or for a page. A child takes one conversation and ends. A change takes two of them, one that seals and one
that compares, and a reader who comes at once after it takes the third. Those are replaced when it is calm, or the
warm-ups would take the processor from the children that work.
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

from envfs.host import surprises
from envfs.host.process import hardening
from envfs.keyholder import confinement, conversation
from envfs.keyholder.confinement import Confinement
from envfs.keyholder.held.keyring import Keyring
from envfs.keyholder.warm_up import WarmUp
from envfs.protocol import keyholding

_TAKEN, _OVER = b"t", b"o"  # what a child says to its parent: it has a conversation. There will be no more
_IDLE = 0.3  # seconds after a conversation: a keyholder for one command never warms up
_ROUNDS = 12  # the interpreter makes code quicker that has run a few times
_MOST_REFUSED = 50
_WAITING = 3  # children that wait when it has been calm
_SPACING = 0.05  # seconds without a conversation until another child is forked beside those that wait
_CALM = 0.1  # a child that ends before it has a conversation must not be followed in a tight circle


def main() -> int:
    """Keep children waiting for the daemon's next conversations. End when the daemon is gone."""
    hardening.harden_keyholder()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children reap themselves
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a key typed at the terminal is for the daemon. It ends us by closing
    daemon = socket.socket(fileno=int(sys.argv[1]))
    keyring = Keyring()
    confined = confinement.confine_keyholder()  # all that it needs is loaded. From here on it opens nothing
    gc.freeze()
    gc.enable()
    warm_up: WarmUp | None = None
    waiting: list[int] = []
    cold: list[int] = []  # of those, what is to go: it is not warm, and shares few pages with those that come
    word: bytes | None = None
    refused = 0
    is_asked = False  # until then the daemon may still be loading itself
    while True:
        if not waiting or (word is None and warm_up is not None and len(waiting) < _WAITING):
            try:
                waiting.append(_fork(keyring, daemon, confined, warm_up, waiting))
                refused = 0
                _dismiss(waiting, cold)
            except OSError:
                # too many processes, too little memory: mostly for a moment, and to end would be to forget every key
                refused += 1
                cold.clear()
                if refused > _MOST_REFUSED and not waiting:
                    return keyholding.NO_ROOM
                time.sleep(_CALM)
                if not waiting:
                    continue
        word = _next_word(waiting, _patience(waiting, warm_up) if is_asked else None)
        is_asked = is_asked or bool(word)
        if word == _OVER:
            return 0
        if warm_up is None and word is None:
            warm_up = WarmUp()
            warm_up.run(_ROUNDS)
            gc.freeze()
            cold = waiting.copy()


def _patience(waiting: list[int], warm_up: WarmUp | None) -> float | None:
    return _IDLE if warm_up is None else _SPACING if len(waiting) < _WAITING else None


def _next_word(waiting: list[int], seconds: float | None) -> bytes | None:
    """Wait for what a child says, and take it from those that wait. None if nothing was said for so long."""
    ready = select.select(waiting, [], [], seconds)[0]
    if not ready:
        return None
    waiting.remove(ready[0])
    word = os.read(ready[0], 1)
    os.close(ready[0])
    if not word:
        time.sleep(_CALM)
    return word


def _dismiss(waiting: list[int], some: list[int]) -> None:
    for reading in some:
        if reading in waiting:  # otherwise it has a conversation
            waiting.remove(reading)
            os.close(reading)
    some.clear()


def _is_readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _fork(
    keyring: Keyring, daemon: socket.socket, confined: Confinement, warm_up: WarmUp | None, others: list[int]
) -> int:
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
        for ours in (reading, *others):  # another child sees when its parent has closed its own
            os.close(ours)
        if warm_up is not None and not _is_readable(daemon.fileno(), 0):
            warm_up.run()
        _child(keyring, daemon, confined, writing, parent, is_warm=warm_up is not None)
    os.close(writing)
    return reading


def _child(
    keyring: Keyring, daemon: socket.socket, confined: Confinement, parent_hears: int, parent: int, *, is_warm: bool
) -> None:
    status = 1
    gc.disable()  # it ends after one request: to look for garbage is a third of the work on a long text
    try:
        hardening.end_with(parent)
        if not is_warm and _is_dismissed(daemon, parent_hears):
            os._exit(0)
        connection = _next(daemon)
        with contextlib.suppress(BrokenPipeError):  # both of us are being ended
            os.write(parent_hears, _OVER if connection is None else _TAKEN)
        os.close(parent_hears)
        daemon.close()
        if connection is not None:
            conversation.hold_conversation(keyring, connection, confined)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, the child must end here and not go on as a second parent
        surprises.report_bug(error)
    finally:
        os._exit(status)


def _is_dismissed(daemon: socket.socket, parent_hears: int) -> bool:
    # waits until there is a conversation, or the parent has closed its end
    return parent_hears in select.select([daemon.fileno(), parent_hears], [], [])[0]


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
