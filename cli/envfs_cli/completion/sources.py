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


class Sources:
    """Answers from a daemon reached by `reach`. `done` takes the link back."""

    def __init__(self, reach: "Callable[[], Link]", done: "Callable[[Link], None]") -> None:
        """Know nothing yet."""
        self._reach = reach
        self._done = done
        self._levels: tuple[str, ...] = ()
        self._until = 0.0
        self._names: dict[str, tuple[str, ...]] = {}

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

    def forget(self) -> None:
        """Know nothing any more: something may have changed."""
        self._until = 0.0
        self._names.clear()

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
