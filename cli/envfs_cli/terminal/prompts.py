"""The person at the terminal: hidden entry, questions, a sign of life while something takes its time."""

import contextlib
import os
import sys
import time

from envfs.errors import EnvFSError, TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from envfs_cli.terminal.unseen_typing import UnseenTyping

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_STEP = 0.1
_TOLD_BYTES = 1 << 16
_PATIENCE = 0.6  # a wait shorter than this shows nothing
_ENTER = "Enter ends the entry"
_SEVERAL = "(several lines: Ctrl-D ends them)"


class NoTerminal(EnvFSError):
    """There is nobody who could be asked."""


def ask_hidden(prompt: str, what: str, limit: int, *, lines: bool = False) -> bytes:
    """Ask for `what` on /dev/tty without showing it: a line of at most `limit` bytes, or with `lines` several.

    Raises:
        NoTerminal: there is none
        EnvFSError: nothing that could be taken was typed
        TooLarge: it is over the limit
    """
    from envfs_cli.terminal.hidden_entry import EntryEnd, TypedEntry
    from envfs_cli.terminal.raw_mode import TerminalClosed, read_entry

    Waiting.stop()
    entry = TypedEntry(limit, lines=lines)
    handle = _open()
    try:
        end = read_entry(handle, prompt, entry, _SEVERAL if lines else "")
    except TerminalClosed:
        raise EnvFSError("the terminal was closed, so nothing was typed") from None
    finally:
        os.close(handle)
    if end is EntryEnd.TOO_LARGE:
        raise TooLarge(f"{what} is too large", f"at most {limit} bytes; nothing of it was taken")
    if end is EntryEnd.SEVERAL_LINES:
        raise EnvFSError(f"{what} has one line, and several were pasted", "nothing of it was taken")
    if end is not EntryEnd.TAKEN:
        raise EnvFSError("nothing was typed" if end is EntryEnd.NOTHING else "the entry was cancelled", _ENTER)
    return bytes(entry.text)


def check_terminal(hint: str) -> None:
    """Find out whether there is a terminal, before anything is asked. `hint` says what to do without one.

    Raises:
        NoTerminal: there is none
    """
    try:
        os.close(_open())
    except NoTerminal as error:
        error.hint = hint
        raise


def check_answers(hint: str) -> None:
    """As `check_terminal`, for questions of yes or no, which are answered on standard input.

    Raises:
        NoTerminal: that is none
    """
    check_terminal(hint)
    if sys.stdin is None or not sys.stdin.isatty():
        raise NoTerminal("standard input is no terminal, so nobody could say yes", hint)


def _open() -> int:
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise NoTerminal("there is no terminal to ask at") from None


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask a yes-or-no question. No terminal is a no, and so is its end. Enter alone is the default."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    from envfs.core.visible_text import visible_text
    from envfs_cli import line_wrap

    _show_typing()
    shown = f"{visible_text(question)} {'[Y/n]' if default else '[y/N]'}"
    _show_question(f"{line_wrap.wrap_message(shown, 0, 0)} ")
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        _show_question("\n")  # what is next, a shell's prompt for one, begins a line
        raise
    return answer.strip().lower() in ("y", "yes") or (default and answer == "\n")


def _show_typing() -> None:
    from envfs_cli.terminal import unseen_typing

    unseen_typing.show_typing()


def _show_question(text: str) -> None:
    """Show it on standard error, and on the terminal itself where that one leads elsewhere: nobody answers unseen."""
    if sys.stderr is not None and not sys.stderr.isatty():
        with contextlib.suppress(NoTerminal, OSError):
            _write_to(_open(), text)
            return
    sys.stderr.write(text)
    sys.stderr.flush()


def _write_to(terminal: int, text: str) -> None:
    try:
        os.write(terminal, text.encode(errors="replace"))
    finally:
        os.close(terminal)


def need_yes(question: str) -> None:
    """Ask a yes-or-no question that `--yes` would have answered.

    Raises:
        EnvFSError: the answer is no, or there is nobody to ask
    """
    if not confirm(question):
        raise EnvFSError("not confirmed, so nothing was changed", "say yes, or use --yes")


class Waiting:
    """Shows that something is being done, on a terminal only and only if it takes a while.

    The terminal does not echo meanwhile: a person may type the passphrase that is asked for next.
    """

    _drawing: "ClassVar[Waiting | None]" = None  # there is one terminal, so one that draws
    _child: "ClassVar[int]" = 0
    _told: "ClassVar[int]" = -1  # where it hears how far the work is
    _started: "ClassVar[float]" = 0.0  # before it, on the clock that only goes on

    def __init__(self, what: str) -> None:
        """Say `what` is being done."""
        self._what = what
        self._unseen: UnseenTyping | None = None

    def __enter__(self) -> None:
        """Start a child that draws: the work itself blocks."""
        if sys.stderr is None or not sys.stderr.isatty():
            return
        from envfs_cli.terminal import unseen_typing

        self._unseen = unseen_typing.UnseenTyping()
        self._unseen.__enter__()
        if Waiting._drawing is None:
            self.draw()

    def __exit__(self, *_: object) -> None:
        """Stop drawing, unless that is for the block around this one."""
        if Waiting._drawing is self:
            self.stop()
        if self._unseen is not None:
            self._unseen.__exit__()

    def draw(self) -> None:
        """Draw from here on, after a moment."""
        hears, told = os.pipe()
        os.set_blocking(hears, False)
        os.set_blocking(told, False)
        parent = os.getpid()
        try:
            child = os.fork()
        except OSError:
            os.close(told)  # the work goes on without it
        else:
            if child == 0:
                self._draw(hears, parent)
            Waiting._drawing, Waiting._child, Waiting._told, Waiting._started = self, child, told, time.monotonic()
        os.close(hears)

    @staticmethod
    def stop() -> "Waiting | None":
        """Stop drawing, if somebody does, and clear the line if there can be something on it. Return who drew."""
        drawing, Waiting._drawing = Waiting._drawing, None
        child, Waiting._child = Waiting._child, 0
        if child:
            import signal

            os.close(Waiting._told)
            os.kill(child, signal.SIGKILL)  # any other one could be lost while the child begins
            os.waitpid(child, 0)
            if time.monotonic() - Waiting._started >= _PATIENCE and not _is_dumb():
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
        return drawing

    @staticmethod
    def tell(how_far: str) -> None:
        """Say how far the work is, if somebody draws."""
        if Waiting._child:
            with contextlib.suppress(OSError):  # the one that draws is behind, or has ended
                os.write(Waiting._told, f"{how_far}\n".encode())

    def _draw(self, hears: int, parent: int) -> None:
        import signal

        from envfs_cli import line_wrap
        from envfs_cli.terminal import unseen_typing

        unseen_typing.leave_to_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, _erase)
        turn, how_far = 0, ""
        time.sleep(_PATIENCE)
        is_dumb = _is_dumb()  # it can erase nothing, so it is told once
        if is_dumb and os.getppid() == parent:
            os.write(2, f"{self._what} ...\n".encode(sys.stderr.encoding, sys.stderr.errors or "replace"))
        while is_dumb and os.getppid() == parent:
            time.sleep(_STEP)
        while os.getppid() == parent:
            with contextlib.suppress(BlockingIOError):
                how_far = (os.read(hears, _TOLD_BYTES).decode().splitlines() or [how_far])[-1]
            line = f"{_FRAMES[turn % len(_FRAMES)]} {self._what} {how_far} "
            shown = f"\r{line[: line_wrap.terminal_width(2) - 1]}"  # a second line would stay
            os.write(2, shown.encode(sys.stderr.encoding, sys.stderr.errors or "replace"))
            turn += 1
            time.sleep(_STEP)
        unseen_typing.show_typing()  # the parent was killed, so it could not
        os._exit(0)


def _is_dumb() -> bool:
    return os.environ.get("TERM") in ("", "dumb")


def _erase(*_: object) -> None:
    if not _is_dumb():
        os.write(2, b"\r\x1b[K")
    os._exit(0)
