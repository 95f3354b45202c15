"""Lines from a terminal that can draw nothing (TERM=dumb): the terminal itself edits them, and nothing is redrawn.

Law: as in the editor, news are told above the next prompt. The terminal keeps the beginning of a line that is typed.
"""

import os
import select
import signal

from envfs_cli import output
from envfs_cli.shell import status_line
from envfs_cli.shell.endings import ENDING, Ended
from envfs_cli.shell.shell_news import ShellNews

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 1 << 16  # of one line. The terminal itself takes 4 KiB


class PlainPrompt:
    """Asks for lines at a terminal without a cursor."""

    def __init__(self, level: "Callable[[], str]", news: ShellNews) -> None:
        """Ask at the level that `level` returns, and tell `news`."""
        self._level = level
        self._news = news

    def ask(self) -> str:
        """Return a line.

        Raises:
            KeyboardInterrupt: ctrl-C
            EOFError: ctrl-D, or the terminal was closed
            Ended: by a signal
        """
        old_handlers = [
            (number, signal.signal(number, _end)) for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN
        ]
        try:
            return self._line()
        except (KeyboardInterrupt, EOFError):
            os.write(1, b"\n")
            raise
        finally:
            for number, handler in old_handlers:
                signal.signal(number, handler)

    def _line(self) -> str:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        for source in self._news.sources():
            if source >= 0:
                poll.register(source, select.POLLIN)
        self._show_prompt()
        while True:
            for source, _ in poll.poll():
                if source == 0:
                    return _line_of(os.read(0, _MOST_BYTES))
                lines, may_more_come = self._news.come(source)
                if not may_more_come:
                    poll.unregister(source)
                if lines:
                    _print_lines(["", *lines])
                    self._show_prompt()

    def _show_prompt(self) -> None:
        words = status_line.line_words(self._news.facts(self._level()))
        told = f" ({words})" if words else ""
        os.write(1, f"envfs {self._level()}{told}> ".encode())


def _print_lines(lines: "list[str]") -> None:
    for line in lines:
        output.print_line(line)
    output.flush()


def _line_of(data: bytes) -> str:
    if not data:
        raise EOFError
    return data.decode(errors="replace").removesuffix("\n")


def _end(number: int, _frame: object) -> None:
    raise Ended(number)
