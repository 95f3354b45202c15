"""A command is run as a child, and its output is relayed.

Three ways, by what standard input and standard output are. Both terminals: the command gets a terminal, and a session
there. One of them a terminal: what is one is one for the command, whose keys and session stay those of this process.
None: pipes. Standard error is apart from standard output unless both are the terminal.

Law: how the command ends is how this process ends, its signal too.
"""

import contextlib
import errno
import os
import resource
import select
import signal
import sys

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs_cli import exit_status
from envfs_cli.masked_output import monitor
from envfs_cli.masked_output.relays import Relay
from envfs_cli.masked_output.terminal import PersonTerminal, open_terminal
from envfs_cli.process import forking
from envfs_cli.process.child import be_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_OF_KEYS = (signal.SIGINT, signal.SIGQUIT)
_HEARD = (*_FORWARDED, *_OF_KEYS, signal.SIGWINCH, signal.SIGCONT, signal.SIGCHLD)
_OF_LOST_OUTPUT = (0, signal.SIGPIPE, exit_status.PIPE_CLOSED << 8)  # how a command ends without another fault
_CHUNK = 1 << 12
_PIPE_BYTES = 1 << 20
_LOOK_AGAIN = 500  # milliseconds, in the background: nobody tells when it ends


class CommandStreams:
    """The descriptors of a command, and the relays behind them."""

    def __init__(self, others: "Mapping[bytes, bytes]") -> None:
        """Make what standard output and standard error are made of."""
        self._others = others
        self._at_terminal = [number for number in (0, 1, 2) if os.isatty(number)]
        self.is_session = {0, 1} <= set(self._at_terminal)
        self.person = PersonTerminal(self._at_terminal[0]) if self._at_terminal else None
        self.ours = self.theirs = -1
        self.given: dict[int, int] = {}
        self.relays: list[Relay] = []
        if self.person is not None and {1, 2} & set(self._at_terminal):
            self._add_terminal(self.person)
        for number in {1, 2} - self.given.keys():
            self._add_pipe(number)

    def _add_terminal(self, person: PersonTerminal) -> None:
        self.ours, self.theirs = open_terminal(person, is_bare=not self.is_session)
        numbers = [number for number in self._at_terminal if number or self.is_session]
        self.given |= dict.fromkeys(numbers, self.theirs)
        self.relays.append(Relay(self.ours, max(1, numbers[0]), self._others, is_watched=True))

    def _add_pipe(self, number: int) -> None:
        if _is_open(number):
            reading, self.given[number] = _pipe()
            self.relays.append(Relay(reading, number, self._others, is_watched=False))

    def put_in_place(self) -> None:
        """Make them standard ones, in the command."""
        for number, handle in self.given.items():
            os.dup2(handle, number)

    def close_own(self) -> None:
        """Close the ends of this process, in one that becomes no command."""
        for relay in self.relays:
            relay.close()

    def close_given(self) -> None:
        """Close the command's ends here."""
        for handle in set(self.given.values()):
            os.close(handle)

    def drain(self) -> None:
        """Pass on what the command wrote, and give the person's terminal its modes back."""
        for relay in self.relays:
            relay.drain()
            if self.is_session and not relay.is_over:
                with contextlib.suppress(OSError):
                    relay.finish()
        if self.person is not None:
            self.person.restore()


def run_masked(become: "Callable[[], int]", others: "Mapping[bytes, bytes]") -> int:
    """Have a child `become` a command, and end as it does.

    Raises:
        EnvFSError: its output was not taken, which the command did not see
    """
    sys.stdout.flush()
    streams = CommandStreams(others)
    before = {number: signal.getsignal(number) for number in _HEARD}
    status = _Run(become, streams).status()
    streams.drain()
    _leave_relays(streams)
    for number, how in before.items():
        signal.signal(number, how)
    lost = next((relay.failure for relay in streams.relays if relay.target == 1 and relay.failure), None)
    if lost is not None and lost.errno != errno.EPIPE and status in _OF_LOST_OUTPUT:
        raise EnvFSError(f"cannot write to standard output: {safe_open.error_words(lost)}", "a part of it is lost")
    return _end_as(status)


def _is_open(number: int) -> bool:
    import fcntl

    try:
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
    except OSError:
        return False
    return not flags & os.O_PATH  # which holds the place of one that the caller closed


def _pipe() -> tuple[int, int]:
    import fcntl

    reading, writing = os.pipe2(os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # a user may have so much and no more
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return reading, writing


def _leave_relays(streams: CommandStreams) -> None:
    # what the command left behind may go on to write
    for relay in () if streams.is_session else streams.relays:
        if not relay.is_over:
            _leave_relay(relay)


def _leave_relay(relay: Relay) -> None:
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            try:
                relay.relay_on()
            finally:
                os._exit(0)


def _end_as(status: int) -> int:
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return exit_status.SIGNALLED + number


class _Run:
    """A command that runs."""

    def __init__(self, become: "Callable[[], int]", streams: CommandStreams) -> None:
        self._streams = streams
        self._become = become
        self._said, says = os.pipe2(os.O_CLOEXEC)
        hears, self._goes_on = os.pipe2(os.O_CLOEXEC)
        self._child = forking.fork()
        if self._child == 0:
            be_child(lambda: self._begin(says, hears))
        for handle in (says, hears):
            os.close(handle)
        streams.close_given()
        self._report = monitor.MonitorReport(self._said) if streams.is_session else None
        self._person = streams.person if streams.is_session else None

    def _begin(self, says: int, hears: int) -> int:
        # in the child
        if not self._streams.is_session:
            return self._begin_command()
        for handle in (self._said, self._goes_on):
            os.close(handle)
        self._streams.close_own()
        return monitor.monitor_command(self._streams.theirs, says, hears, self._begin_command)

    def _begin_command(self) -> int:
        self._streams.put_in_place()
        return self._become()

    def status(self) -> int:
        """Pass on output, keys and signals until the command has ended. Return its status, as waitpid(2)."""
        signals = _heard_signals()
        if self._person is not None:  # before the first byte: the command's terminal has made its line ends
            self._person.make_raw()
        for relay in self._streams.relays:
            relay.start()
        status = self._ended() if self._report is None else None  # it may have ended before that could be heard
        while status is None:
            status = self._step(signals)
        signal.set_wakeup_fd(-1)
        return status

    def _step(self, signals: int) -> "int | None":
        ready = self._ready(signals)
        if self._person is not None and self._person.handle in ready:
            self._pass_keys(self._person)
        status = self._signalled(os.read(signals, _CHUNK)) if signals in ready else None
        return self._monitored() if status is None and self._said in ready else status

    def _ready(self, signals: int) -> dict[int, int]:
        poll, wait = select.poll(), None
        poll.register(signals, select.POLLIN)
        if self._report is not None:
            poll.register(self._said, select.POLLIN)
        if self._person is not None:
            self._person.make_raw()
            wait = None if self._person.is_ours else _LOOK_AGAIN
            if wait is None:
                poll.register(self._person.handle, select.POLLIN)
        return dict(poll.poll(wait))

    def _pass_keys(self, person: PersonTerminal) -> None:
        keys = b""
        with contextlib.suppress(OSError):
            keys = os.read(person.handle, _CHUNK)
        if not keys:  # it is gone
            self._person = None
            self._pass_signal(signal.SIGHUP)
            return
        with contextlib.suppress(OSError):
            os.write(self._streams.ours, keys)

    def _monitored(self) -> "int | None":
        if self._report is None:
            return None
        status = self._report.next()
        if status is not None:
            os.waitpid(self._child, 0)
            return status
        self._stop()
        return None

    def _stop(self) -> None:
        # as the command stopped, so does this process, and whatever else is in its group
        if self._person is not None:
            self._person.restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        if self._person is not None:
            self._person.make_raw()
            self._person.copy_size(self._streams.ours)
        os.write(self._goes_on, b"c")

    def _signalled(self, numbers: bytes) -> "int | None":
        for number in numbers:
            self._pass_signal(number)
        return self._ended() if self._report is None else None

    def _pass_signal(self, number: int) -> None:
        if number == signal.SIGWINCH:
            self._resize()
        elif number in _FORWARDED or (number in _OF_KEYS and not self._hears_keys()):
            self._send(number)
        if number == signal.SIGHUP:  # as the kernel does: one that stopped hears it, too
            self._send(signal.SIGCONT)

    def _ended(self) -> "int | None":
        pid, status = os.waitpid(self._child, os.WNOHANG)
        return status if pid else None

    def _hears_keys(self) -> bool:
        # in one group with this process, the command got the key's signal from the terminal
        person = self._streams.person
        return self._report is None and person is not None and person.is_ours

    def _resize(self) -> None:
        person = self._streams.person
        if person is not None and self._streams.ours >= 0:
            person.copy_size(self._streams.ours)
            if self._report is None:
                self._send(signal.SIGWINCH)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._report is not None:
                os.killpg(self._report.group, number)
            else:
                os.kill(self._child, number)


def _heard_signals() -> int:
    # each is one byte to read
    heard, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})  # a caller may have blocked it, for the command too
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _HEARD:
        signal.signal(number, _nothing)
    return heard


def _nothing(*_: object) -> None:
    """Only the byte that tells of the signal is needed."""
