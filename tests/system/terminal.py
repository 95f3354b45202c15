"""A command on a terminal of its own: what it shows is read, what it asks for is typed."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from tests.system import forked
from tests.system.home import SECONDS, eventually


class Terminal:
    """Runs `words` with a fresh pseudo-terminal as its controlling one; `shown` is all that it has printed."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], columns: int = 120, rows: int = 40) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._name = os.ttyname(slave)
        self.shown = ""
        self._seen = 0
        self._start(slave, words, environ)
        os.close(slave)

    def _start(self, slave: int, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *words], stdin=slave, stdout=slave, stderr=slave, env=environ, cwd="/"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self.master)

    def expect(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until `text` is shown, after what was expected before."""
        self.read_until(lambda shown: text in shown[self._seen :], repr(text), seconds)
        self._seen = self.shown.index(text, self._seen) + len(text)

    def read_until(self, is_there: Callable[[str], object], what: str, seconds: float = SECONDS) -> None:
        """Wait until all that was shown has what is asked for."""
        until = time.monotonic() + seconds
        while not is_there(self.shown):
            assert self._more(until), f"no {what} in {self.shown[-300:]!r}"

    def type(self, text: str) -> None:
        """Type a line."""
        self.press(f"{text}\n")

    def press(self, keys: str) -> None:
        """Press keys, control keys among them. Afterwards they are at the other side, read or waiting."""
        data = keys.encode()
        while data:
            data = data[os.write(self.master, data) :]
        self._hand_on()

    def press_slowly(self, keys: str) -> None:
        """Press keys in pieces, as a terminal hands on what is pasted, while what it shows is read."""
        data = keys.encode()
        while data:
            data = data[os.write(self.master, data[:512]) :]
            self._hand_on()
            if select.select([self.master], [], [], 0)[0]:
                self._more(time.monotonic() + SECONDS)

    def taken(self) -> None:
        """Wait until the program, which reads keys and not lines, has taken all that was pressed."""
        eventually(lambda: self._hand_on() == 0, "what was pressed is taken")

    def _hand_on(self) -> int:
        # a worker of the kernel's hands keys on at some time, and `poll` at the other side at once. What waits there
        try:
            slave = os.open(self._name, os.O_RDONLY | os.O_NOCTTY)
        except OSError:  # the other side is closed
            return 0
        try:
            select.select([slave], [], [], 0)
            return int.from_bytes(fcntl.ioctl(slave, termios.FIONREAD, bytes(4)), sys.byteorder)
        finally:
            os.close(slave)

    def attributes(self) -> list[object]:
        """Return the terminal's modes, as termios has them."""
        return termios.tcgetattr(self.master)

    def end(self, seconds: float = SECONDS) -> int:
        """Read to the end; returns the exit status."""
        until = time.monotonic() + seconds
        while self._more(until):
            pass
        return self._process.wait(max(0.1, until - time.monotonic()))

    def _more(self, until: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"nothing more in time, after {self.shown[-300:]!r}"
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # EIO: the other side is closed
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


class ForkedTerminal(Terminal):
    """As `Terminal`, for a line of `envfs` that a forked client carries out. `words` are those behind the program."""

    def _start(self, slave: int, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self._ended = forked.nursery().run_on((slave,), words, environ, "/")

    def __exit__(self, *_: object) -> None:
        os.close(self.master)  # which ends what still runs there
        os.close(self._ended)

    def end(self, seconds: float = SECONDS) -> int:
        """Read to the end; returns the exit status."""
        until = time.monotonic() + seconds
        while self._more(until):
            pass
        status = os.read(self._ended, 1)
        assert status, "it was killed"
        return status[0]


def leave_terminal() -> None:
    """Let go of the terminal of this process, if it has one."""
    if os.getsid(0) != os.getpid():  # the leader of a session would end what runs in the terminal
        with suppress(OSError):
            handle = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(handle, termios.TIOCNOTTY)
            os.close(handle)
