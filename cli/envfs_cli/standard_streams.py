"""Standard input, output and error that are not what a program expects: closed, not blocking, or of few letters.

Laws: a descriptor that the caller closed is held by one that can neither be read nor written, so that nothing which
is opened later takes its place. A command never gets that one. A folder, with which the interpreter would not start,
is put aside by the program before it, and the command gets it back. A letter that a terminal's locale cannot
show is shown as others.
"""

import _locale
import codecs
import io
import os
import select
import sys

_CODEC = "envfs"
_PLAIN = {"→": "->", "•": "*", "…": "...", "⠋": "|", "⠙": "/", "⠹": "-", "⠸": "\\", "⠼": "|", "⠴": "/", "⠦": "-"}
_PLAIN |= {"⠧": "\\", "⠇": "|", "⠏": "/"}
_closed: list[int] = []
_aside: dict[int, int] = {}


def prepare_streams() -> None:
    """Make standard output and error fit to be written to, whatever they are."""
    for pair in str(sys._xoptions.get("envfs-aside", "")).split(","):  # noqa: SLF001 - its documented name
        number, _, copy = pair.partition(":")
        if copy:
            os.set_inheritable(int(copy), False)
            _aside[int(number)] = int(copy)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _hold()
    if not os.get_blocking(1):
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Patient()), encoding="utf-8", errors="surrogateescape")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            codecs.register_error(_CODEC, _in_other_letters)
            stream.reconfigure(encoding=_letters(), errors=_CODEC)


def hand_on() -> None:
    """Put back what was put aside: for a command that is started in this process's place."""
    for number, copy in _aside.items():
        os.dup2(copy, number)


def give_nothing() -> None:
    """Put the empty device where there is no stream: for a program of ours that is started in this process's place."""
    for number in (*_closed, *_aside):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)


def forgive_lost_words() -> None:
    """Have words go nowhere where standard error takes none: for argparse, which writes to it without asking us."""
    if sys.stderr is sys.__stderr__:
        sys.stderr = _Words(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), errors="backslashreplace")


def discard_stream(number: int) -> None:
    """Let standard output (1) or error (2) lead nowhere: the interpreter writes once more at its end."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, number)
    os.close(handle)


def wait_until_writable(number: int) -> None:
    """Wait until a descriptor that does not block takes more."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    poll.poll()


def _hold() -> None:
    while (number := os.open(os.devnull, os.O_PATH)) <= 2:  # noqa: PLR2004 - standard error
        _closed.append(number)
    os.close(number)
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", errors="surrogateescape")
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace")


class _Patient(io.RawIOBase):
    """Standard output that waits where it does not block: the interpreter's own drops what is not taken at once."""

    def writable(self) -> bool:
        """Say so."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return 1

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        """Write some of the data, however long that takes."""
        while True:
            try:
                return os.write(1, data)
            except BlockingIOError:
                wait_until_writable(1)


class _Words(io.TextIOWrapper):
    """Standard error that never fails: the exit status says the same."""

    def write(self, text: str) -> int:
        """Write at once, or leave it."""
        try:
            super().write(text)
            self.flush()
        except OSError:
            discard_stream(2)
        return len(text)


def _letters() -> str:
    try:
        return codecs.lookup(_locale.getencoding()).name
    except LookupError:
        return "ascii"


def _in_other_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = (_PLAIN.get(letter) or _escaped(letter) for letter in error.object[error.start : error.end])
    return "".join(shown), error.end


def _escaped(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode()
