"""Children that fetch a view by themselves: so no value is ever in the memory of the process that stays.

A child says over a pipe, in one piece, which values it got: by a digest under a key that only this family has.

Laws: a child ends when its parent is killed. It starts with signals as the parent found them. It leaves its parent's
process group only when it becomes its command, so that until then it can ask for a passphrase.
"""

import ctypes
import hashlib
import os
import signal
import sys

from envfs.errors import EnvFSError
from envfs_cli import exit_status
from envfs_cli.process import forking
from envfs_cli.process.child import be_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.process.foreground import Foreground

    Fetch = Callable[[], bytes]
    Become = Callable[[bytes], int]

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)
_PR_SET_PDEATHSIG = 1
_GOT, _FAILED = b"=", b"!"
_libc = ctypes.CDLL(None)


class Family:
    """The start of children: the key of their digests, and how signals were treated before this process came."""

    def __init__(self) -> None:
        """Hear the signals from here on. Each is written to `heard` as one byte."""
        self._key = os.urandom(32)
        self._before = {number: signal.getsignal(number) for number in (*HEARD, signal.SIGTTOU)}
        self.heard, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        for number in HEARD:
            if self._before[number] is not signal.SIG_IGN or number == signal.SIGCHLD:
                signal.signal(number, _nothing)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def look(self, fetch: "Fetch") -> "Child":
        """Start a child that says what it would get, or why it would get nothing, and ends."""

        def act(said: int) -> int:
            try:
                os.write(said, _GOT + self._digest(fetch()))
            except EnvFSError as error:
                os.write(said, _FAILED + error.text.encode())
            return 0

        return self._fork(act)

    def start(self, fetch: "Fetch", become: "Become", foreground: "Foreground") -> "Child":
        """Start a child that becomes a command in a process group of its own, with the terminal if it may be lent."""

        def act(said: int) -> int:
            variables = fetch()
            lend = foreground.is_of(os.getpgrp())
            os.setpgid(0, 0)
            if lend:
                os.tcsetpgrp(0, os.getpgrp())
            os.write(said, _GOT + self._digest(variables))
            self._as_before()
            return become(variables)

        return self._fork(act)

    def _digest(self, variables: bytes) -> bytes:
        return hashlib.blake2b(variables, key=self._key, digest_size=32).digest()

    def _fork(self, act: "Callable[[int], int]") -> "Child":
        sys.stdout.flush()
        sys.stderr.flush()
        reading, writing = os.pipe2(os.O_CLOEXEC)
        parent = os.getpid()
        number = forking.fork()
        if number == 0:
            be_child(lambda: _run(parent, lambda: act(writing)))
        os.close(writing)
        return Child(number, reading)

    def _as_before(self) -> None:
        for number, how in self._before.items():
            signal.signal(number, signal.SIG_IGN if how is signal.SIG_IGN else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


class Child:
    """A child and the pipe on which it says what it got.

    `group` is its process group, once it has one of its own. `status` how it ended. `said` is -1 once it has said all.
    """

    def __init__(self, number: int, said: int) -> None:
        """Take over a child that was forked."""
        self.number = number
        self.said = said
        self.group = 0
        self.status: int | None = None
        self.digest = b""
        self.failure = ""
        self._data = b""

    def listen(self) -> bool:
        """Take what the child says. True once that is all."""
        piece = os.read(self.said, 1 << 12)
        self._data += piece
        if piece and self._data[:1] != _GOT:
            return False
        if self._data.startswith(_GOT):
            self.digest = self._data[1:]
            self.group = self.number
        else:
            self.failure = self._data[1:].decode(errors="replace")
        os.close(self.said)
        self.said = -1
        return True

    def signal(self, number: int) -> None:
        """Send a signal to the command and all that it started, or to the child that is not yet a command."""
        try:
            if self.group:
                os.killpg(self.group, number)
            else:
                os.kill(self.number, number)
        except (ProcessLookupError, PermissionError):
            return

    def end(self) -> None:
        """Ask it to end, also if it was stopped."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def is_empty(self) -> bool:
        """Tell whether nothing that the command started is left. Only for one that has ended."""
        try:
            os.killpg(self.number, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False


def _run(parent: int, act: "Callable[[], int]") -> int:
    signal.set_wakeup_fd(-1)
    for number in HEARD:
        if signal.getsignal(number) is _nothing:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, lambda *_: os._exit(exit_status.INTERRUPTED))
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    return act() if os.getppid() == parent else exit_status.BUG


def _nothing(*_: object) -> None:
    """Only the byte that tells of the signal is wanted."""
