"""The person at the terminal: hidden entry, questions, a sign of life while something takes its time."""

import os
import sys
import termios

from envfs.core.secret import Secret
from envfs.errors import EnvFSError

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_STEP = 0.1
_PATIENCE = 0.6  # a wait shorter than this shows nothing


def ask_hidden(prompt: str) -> Secret:
    """Ask for a line on /dev/tty without showing it.

    Raises:
        EnvFSError: there is no terminal, or nothing was typed
    """
    try:
        handle = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise EnvFSError(
            "there is no terminal to ask at", "use --passphrase-file, --from-file or standard input"
        ) from None
    try:
        line = _read_hidden(handle, prompt)
    finally:
        os.close(handle)
    if not line.endswith(b"\n"):
        raise EnvFSError("nothing was typed")
    try:
        return Secret(line[:-1].decode())
    except UnicodeDecodeError:
        raise EnvFSError("what was typed is not UTF-8 text") from None


def _read_hidden(handle: int, prompt: str) -> bytes:
    before = termios.tcgetattr(handle)
    hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        termios.tcsetattr(handle, termios.TCSAFLUSH, hidden)
        os.write(handle, prompt.encode())
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(handle, 1)):
            line += byte
        return line
    finally:
        termios.tcsetattr(handle, termios.TCSAFLUSH, before)
        os.write(handle, b"\n")


def confirm(question: str) -> bool:
    """Ask a yes-or-no question; no terminal is a no."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class Waiting:
    """Shows that something is being done, on a terminal only and only if it takes a while."""

    def __init__(self, what: str) -> None:
        """Say `what` is being done."""
        self._what = what
        self._child = 0

    def __enter__(self) -> None:
        """Start a child that draws: the work itself blocks."""
        if sys.stderr.isatty():
            self._child = os.fork()
            if self._child == 0:
                self._draw()

    def __exit__(self, *_: object) -> None:
        """Stop drawing and clear the line."""
        if self._child:
            os.kill(self._child, 15)
            os.waitpid(self._child, 0)
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _draw(self) -> None:
        import signal
        import time

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        parent, turn = os.getppid(), 0
        time.sleep(_PATIENCE)
        while os.getppid() == parent:
            shown = f"\r{_FRAMES[turn % len(_FRAMES)]} {self._what} "
            os.write(2, shown.encode(sys.stderr.encoding, sys.stderr.errors or "replace"))
            turn += 1
            time.sleep(_STEP)
        os._exit(0)
