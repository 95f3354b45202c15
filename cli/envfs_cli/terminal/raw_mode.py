"""The terminal in raw mode, for as long as a hidden entry lasts: modes, marks of pastes, signals, job control.

Laws
- Whatever ends the entry, the modes are put back first, and nothing of what was typed is left for the next reader.
- A signal raises nothing in the middle of anything: it is noted, and acted on between two reads.
- A job in the background touches no modes. It stops, as any reader of a terminal does, until it is in the foreground.
"""

import errno
import os
import select
import signal
import termios
import time
from contextlib import suppress

from envfs_cli.terminal.unseen_typing import take_modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from envfs_cli.terminal.hidden_entry import EntryEnd, TypedEntry
    from envfs_cli.terminal.unseen_typing import Handler, Modes

_MARKS_ON, _MARKS_OFF, _BELL = b"\x1b[?2004h", b"\x1b[?2004l", b"\a"
_PIECE = 1 << 16
_DRAIN_QUIET, _DRAIN_LONGEST = 0.1, 10.0  # seconds
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_NOTED = (signal.SIGINT, *_ENDING, signal.SIGTSTP, signal.SIGCONT)
_INPUT, _OUTPUT, _LOCAL, _CHARACTERS = 0, 1, 3, 6  # places in what tcgetattr returns (termios(3))


class TerminalClosed(Exception):
    """The terminal is gone, or was never there."""


def read_entry(handle: int, prompt: str, entry: "TypedEntry", hint: str = "") -> "EntryEnd":
    """Ask on the terminal `handle` until the entry ends. `hint` is shown once there are several lines.

    Raises:
        KeyboardInterrupt: Ctrl-C
        TerminalClosed: nothing comes any more
    """
    with RawTerminal(handle, prompt) as terminal:
        while True:
            data = terminal.wait(entry.quiet_after)
            end = entry.quiet() if data is None else entry.feed(data)
            if end is not None:
                terminal.drain()
                return end
            if entry.ignored:
                entry.ignored = False
                terminal.write(_BELL)
            if hint and entry.several:
                terminal.write(f"\n{hint}".encode())
                hint = ""


class RawTerminal:
    """A terminal without echo that shows `prompt`, until the block is left."""

    def __init__(self, handle: int, prompt: str) -> None:
        """Take over the terminal `handle`."""
        self._handle = handle
        self._prompt = prompt.encode()
        self._marks = os.environ.get("TERM", "dumb") not in ("", "dumb")
        self._noted: list[int] = []
        self._handlers: dict[int, Handler] = {}
        self._modes: Modes = []

    def __enter__(self) -> "Self":
        """Note signals from here on, then change the modes and ask."""
        self._heard, self._hearing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wakeup = signal.set_wakeup_fd(self._hearing, warn_on_full_buffer=False)
        for number in _NOTED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._note)
        try:
            self._begin(termios.TCSAFLUSH)
            self._act()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Put everything back."""
        self._leave()

    def write(self, data: bytes) -> None:
        """Show something."""
        with suppress(OSError):  # who cannot see it cannot be helped
            os.write(self._handle, data)

    def wait(self, seconds: "float | None") -> "bytes | None":
        """Return what was typed, or None when nothing was for `seconds`.

        Raises:
            KeyboardInterrupt: Ctrl-C
            TerminalClosed: the terminal was closed
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._handle, self._heard], [], [], left)
            self._act()
            if self._handle in ready and (data := self._read()):
                return data
            if not ready:
                return None

    def drain(self) -> None:
        """Take what still comes of a paste, until it is quiet: it is not for the program that reads next."""
        until = time.monotonic() + _DRAIN_LONGEST
        with suppress(OSError):  # it was closed
            while time.monotonic() < until and self._is_ours():
                if not select.select([self._handle], [], [], _DRAIN_QUIET)[0] or not os.read(self._handle, _PIECE):
                    return

    def _is_ours(self) -> bool:
        return os.tcgetpgrp(self._handle) == os.getpgrp()

    def _read(self) -> bytes:
        # empty where nothing is left: Ctrl-C and Ctrl-Z make the kernel drop what was typed before them
        data, is_closed = b"", True
        with suppress(OSError):
            data = os.read(self._handle, _PIECE)
            is_closed = not data and self._is_closed()
        if is_closed:
            self._act()  # SIGHUP, if that is why
            raise TerminalClosed
        return data

    def _is_closed(self) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

    # -- modes ---------------------------------------------------------------------------------------------------------

    def _begin(self, when: int) -> None:
        if not self._modes:
            _in_foreground(lambda: termios.tcdrain(self._handle))
            # the echo may be off already, since somebody may type before the question
            self._modes = take_modes() or termios.tcgetattr(self._handle)
        _in_foreground(lambda: termios.tcsetattr(self._handle, when, _raw(self._modes)))
        self.write(_MARKS_ON * self._marks + self._prompt)

    def _restore(self, when: int) -> None:
        with suppress(OSError, TerminalClosed):  # a closed terminal has no modes
            if self._modes and self._is_ours():
                self.write(_MARKS_OFF * self._marks)
                _in_foreground(lambda: termios.tcsetattr(self._handle, when, self._modes))
                self.write(b"\n")

    def _leave(self) -> None:
        self._restore(termios.TCSAFLUSH)
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._handlers.clear()
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._heard)
        os.close(self._hearing)
        for number in self._noted:
            if number != signal.SIGCONT:
                os.kill(os.getpid(), number)  # it came too late to be acted on here

    # -- signals -------------------------------------------------------------------------------------------------------

    def _note(self, number: int, _frame: object) -> None:
        self._noted.append(number)

    def _act(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._heard, _PIECE)
        while self._noted:
            number = self._noted.pop(0)
            if number == signal.SIGINT:
                self.drain()
                raise KeyboardInterrupt
            if number in _ENDING:
                self._end(number)
            elif number == signal.SIGTSTP:
                self._stop()
            else:
                self._begin(termios.TCSADRAIN)  # a shell gave the terminal back, in modes of its own

    def _end(self, number: int) -> None:
        import resource

        self.drain()
        self._restore(termios.TCSAFLUSH)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what was typed is in this memory
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _stop(self) -> None:
        # at once: a shell takes the terminal back as soon as a parent of ours has stopped
        self._restore(termios.TCSADRAIN)
        if signal.SIGCONT not in self._noted:  # else the shell was quicker: stopped in between, and continued by `fg`
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)  # it goes on here after `fg`, or at once where nobody could do that
            signal.signal(signal.SIGTSTP, self._note)
        self._noted = [number for number in self._noted if number != signal.SIGCONT]
        self._begin(termios.TCSADRAIN)


def _raw(modes: "Modes") -> "Modes":
    raw = list(modes)
    characters = list(modes[_CHARACTERS])  # type: ignore[arg-type]
    characters[termios.VMIN], characters[termios.VTIME] = 0, 0  # a read does not wait
    raw[_CHARACTERS] = characters
    for place, flags in (
        (_INPUT, termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP | termios.IXON),
        (_LOCAL, termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN),
    ):
        raw[place] = int(raw[place]) & ~flags  # type: ignore[arg-type]
    raw[_OUTPUT] = int(raw[_OUTPUT]) | termios.OPOST  # type: ignore[arg-type]
    raw[_LOCAL] = int(raw[_LOCAL]) | termios.ISIG  # type: ignore[arg-type]
    return raw


def _in_foreground(act: "Callable[[], None]") -> None:
    # with SIGTTOU at its default, the kernel stops whoever is not in the foreground, and none who is (termios(3))
    old_handler = signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    try:
        while True:
            try:
                return act()
            except termios.error as error:
                if error.args[0] != errno.EINTR:
                    raise TerminalClosed from None
    finally:
        signal.signal(signal.SIGTTOU, signal.SIG_DFL if old_handler is None else old_handler)
