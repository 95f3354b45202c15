"""A full screen on a terminal of its own: what a person would see of it at a moment."""

import fcntl
import os
import re
import select
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import pyte

from tests.system.home import SECONDS
from tests.system.terminal import Terminal

_PRIVATE = re.compile(r"\x1b\[[>=?][0-9;]*[a-zA-Z]|\x1b\[[0-9]* q")  # modes that the emulator does not know


class ScreenTerminal(Terminal):
    """Runs `words` on a terminal, and keeps the screen as its sequences draw it."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        super().__init__(words, {"TERM": "xterm-256color", **environ}, columns, rows)

    def __enter__(self) -> Self:
        return self

    @property
    def lines(self) -> list[str]:
        """Return the rows of the screen."""
        return [line.rstrip() for line in self.screen.display]

    def shows(self, *texts: str, seconds: float = 2 * SECONDS) -> None:
        """Wait until all texts are on the screen at once."""
        self.becomes(lambda: all(text in "\n".join(self.lines) for text in texts), repr(texts), seconds)

    def shows_not(self, text: str) -> None:
        """Wait until a text is on the screen no more."""
        self.becomes(lambda: text not in "\n".join(self.lines), f"no {text!r}")

    def becomes(self, question: Callable[[], bool], what: str, seconds: float = 2 * SECONDS) -> None:
        """Wait until the screen answers a question with yes."""
        until = time.monotonic() + seconds
        while not question():
            assert self._more(until), f"the terminal is closed before {what}"

    def resize(self, columns: int, rows: int) -> None:
        """Have another size, as a person who draws at the window's corner."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _more(self, until: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(0.0, until - time.monotonic()))
        assert ready, "nothing more in time, after:\n" + "\n".join(self.lines)
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # EIO: the other side is closed
            return False
        text = data.decode(errors="replace")
        self.shown += text.replace("\r\n", "\n")
        self._stream.feed(_PRIVATE.sub("", text))
        return bool(data)
