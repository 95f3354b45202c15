"""The levels and names that completion offers, asked for at the daemon and kept for a while.

Laws: nothing here fails, asks a person or takes longer than a moment: without an answer there is nothing to offer.
Listing names is an access, and the log says so: so they are asked for once a level and change, and only on request.
"""

import time

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.completion import time_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.daemon.client import Link

LONGEST = 1.0
_FRESH = 1.5
_VERSIONS, _NOTE = 20, 60  # versions that are offered, and letters of what is said of each
_MINUTE = len("2026-11-01T10:00")


def version_offers(word: str, versions: "tuple[tuple[int, str], ...]") -> "list[tuple[str, str]]":
    """Return words that `LEVEL@` may go on to, with what is said of each."""
    level, _, typed = word.partition("@")
    return [(f"{level}@{number}", note) for number, note in versions if str(number).startswith(typed)]


def _version(row: control.VersionRow) -> "tuple[int, str]":
    from envfs_cli import output

    time = output.local_time(row.time)[:_MINUTE].replace("T", " ") if row.time else ""
    said = row.message.partition("\n")[0] or row.operation
    return row.version, output.clean(f"{time} {said}".strip())[:_NOTE]


class Sources:
    """Answers from a daemon reached by `reach`. `done` takes the link back."""

    def __init__(self, reach: "Callable[[], Link]", done: "Callable[[Link], None]") -> None:
        """Know nothing yet."""
        self._reach = reach
        self._done = done
        self._levels: tuple[str, ...] = ()
        self._until = 0.0
        self._names: dict[str, tuple[str, ...]] = {}
        self._versions: dict[str, tuple[tuple[int, str], ...]] = {}

    def levels(self) -> tuple[str, ...]:
        """Return the levels that this user may know of."""
        if time.monotonic() >= self._until:
            rows = self._rows(control.ListLevels())
            self._levels = tuple(row.level for row in rows or () if isinstance(row, control.LevelRow))
            self._until = time.monotonic() + _FRESH
        return self._levels

    def projects(self) -> tuple[str, ...]:
        """Return the names of the projects that this user may know of."""
        return tuple(sorted({names.project(level).removeprefix("/") for level in self.levels()} - {""}))

    def names(self, level: str, *, ask: bool = True) -> tuple[str, ...]:
        """Return the names of a view. With `ask` false, only if they are known already."""
        if ask and level not in self._names:
            rows = self._rows(control.ListVariables(level))
            if rows is None:
                return ()
            self._names[level] = tuple(row.name for row in rows if isinstance(row, control.VariableRow))
        return self._names.get(level, ())

    def versions(self, level: str) -> "tuple[tuple[int, str], ...]":
        """Return the newest versions of a level, each with a word for a person: when it was written, and why."""
        if level not in self._versions:
            rows = self._rows(control.ListHistory(level, _VERSIONS))
            if rows is None:
                return ()
            self._versions[level] = tuple(_version(row) for row in rows if isinstance(row, control.VersionRow))
        return self._versions[level]

    def forget(self) -> None:
        """Know nothing any more: something may have changed."""
        self._until = 0.0
        self._names.clear()
        self._versions.clear()

    def _rows(self, request: "NamedTuple") -> "list[object] | None":
        rows: list[object] = []
        try:
            link = self._reach()
            try:
                with time_limit.at_most(LONGEST):
                    link.ask(request, (), rows.append)
            finally:
                self._done(link)
        except (EnvFSError, OSError, time_limit.TooSlow):
            return None
        return rows
