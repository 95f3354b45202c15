"""The terminal's echo, off for as long as a passphrase may be asked for soon: a person may type before the question.

Laws
- Whatever ends the process, the echo is put back: a signal that ends or stops it does so afterwards, and a child that
  draws sees to it after SIGKILL.
- Only the terminal's foreground job touches its modes. Modes that another program has set meanwhile are left alone.
- A command whose output goes elsewhere leaves the modes alone until a passphrase is needed: behind a pipe there may be
  a pager, which would take the missing echo for the person's own choice.
"""

import os
import signal
import sys
import termios
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    Handler = Callable[..., object] | int | None
    Modes = list[int | list[bytes | int]]

_LOCAL = 3  # a place in what tcgetattr returns (termios(3))
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT)


class _State:
    """The terminal of this process, as these blocks found it."""

    def __init__(self) -> None:
        self.depth = 0  # of the blocks that are open
        self.handle = -1  # the terminal, while there is a block that looks after it
        self.modes: Modes = []  # those before, while the echo is off
        self.handlers: dict[int, Handler] = {}  # those before, of the signals


_state = _State()


class UnseenTyping:
    """Nothing that is typed is shown until the outermost of these blocks is left, or until `show_typing`."""

    def __init__(self, *, needed: bool = False) -> None:
        """Begin with the echo as it is. `needed`: a passphrase is needed for sure."""
        self._needed = needed

    def __enter__(self) -> "Self":
        """Turn the echo off, if this is the terminal's foreground job."""
        _state.depth += 1
        if _state.handle < 0 and (self._needed or (sys.stdout is not None and sys.stdout.isatty())):
            _look_after()
        _hide()
        return self

    def __exit__(self, *_: object) -> None:
        """Put the echo back, unless that is for the block around this one."""
        _state.depth -= 1
        if _state.depth or _state.handle < 0:
            return
        show_typing()
        for number, handler in _state.handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _state.handlers.clear()
        os.close(_state.handle)
        _state.handle = -1


def take_modes() -> "Modes":
    """Return the modes before, which the caller puts back from here on. Empty if the echo was not turned off."""
    modes, _state.modes = _state.modes, []
    return modes


def show_typing() -> None:
    """Put the echo back, if it is off."""
    modes, handle = take_modes(), _state.handle
    with suppress(termios.error, OSError):
        if modes and _is_ours(handle) and termios.tcgetattr(handle)[_LOCAL] == _without_echo(modes)[_LOCAL]:
            termios.tcsetattr(handle, termios.TCSANOW, modes)


def leave_to_parent() -> None:
    """Have the signals end this child as they end any process. Its parent looks after the terminal."""
    for number in _state.handlers:
        signal.signal(number, signal.SIG_DFL)


def _look_after() -> None:
    import threading

    if threading.current_thread() is not threading.main_thread():
        return
    with suppress(OSError):  # there is none
        _state.handle = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        for number in _HANDLED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                _state.handlers[number] = signal.signal(number, _signalled)


def _hide() -> None:
    with suppress(termios.error, OSError):
        if _state.handle >= 0 and not _state.modes and _is_ours(_state.handle):
            modes = termios.tcgetattr(_state.handle)
            if int(modes[_LOCAL]) & termios.ECHO:
                _state.modes = modes
                termios.tcsetattr(_state.handle, termios.TCSANOW, _without_echo(modes))


def _signalled(number: int, _frame: object) -> None:
    if number == signal.SIGCONT:
        _hide()  # a shell gave the terminal back
        return
    show_typing()
    former = _state.handlers.get(number)
    signal.signal(number, signal.SIG_DFL if former is None else former)
    os.kill(os.getpid(), number)
    if number == signal.SIGTSTP:  # it goes on here after `fg`
        signal.signal(number, _signalled)


def _without_echo(modes: "Modes") -> "Modes":
    local = int(modes[_LOCAL]) & ~(termios.ECHO | termios.ECHONL)  # type: ignore[arg-type]
    return [*modes[:_LOCAL], local, *modes[_LOCAL + 1 :]]


def _is_ours(handle: int) -> bool:
    return os.tcgetpgrp(handle) == os.getpgrp()
