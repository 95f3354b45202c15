"""Whether a terminal can show a full screen, found out before anything is drawn."""

import os
import sys

from envfs.errors import EnvFSError

_SHELL = "`envfs shell` walks the levels line by line"
_WITHOUT = ("", "dumb", "unknown", "network", "dialup", "emacs")
_MOVES = b"\x1b["  # what the sequences begin with that the screen is drawn by (ECMA-48)


class NoScreen(EnvFSError):
    """There is no terminal, or it cannot show a full screen."""


def check_screen() -> None:
    """Find out whether this process has a terminal that can show a full screen.

    Raises:
        NoScreen: it has not
    """
    for stream, name in ((sys.stdin, "standard input"), (sys.stdout, "standard output")):
        if stream is None or not stream.isatty():
            raise NoScreen(
                f"the browser fills a terminal, and {name} is none",
                "`envfs shell` runs lines from a file or a pipe, and `envfs ls --json` is for programs",
            )
    kind = os.environ.get("TERM", "")
    if not can_move_cursor(kind, sys.stdout.fileno()):
        named = f"TERM={kind}" if kind else "TERM is not set, so the terminal"
        raise NoScreen(f"{named} cannot show a full screen", f"{_SHELL}; or set TERM to what the terminal is")


def can_move_cursor(kind: str, descriptor: int) -> bool:
    """Tell whether a kind of terminal moves its cursor in the usual way. One that nobody describes most likely does."""
    if kind in _WITHOUT:
        return False
    try:
        import curses
    except ImportError:  # a Python without it
        return True
    try:
        curses.setupterm(kind, descriptor)
        return (curses.tigetstr("cup") or b"").startswith(_MOVES)
    except curses.error:
        return True
