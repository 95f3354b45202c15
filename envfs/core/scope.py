"""The unit of a lock: one project, or the whole vault."""

from typing import Final, NamedTuple

from envfs.core import names
from envfs.core.names import Project


class Scope(NamedTuple):
    """A project, or (None) the vault with its identity and every project."""

    project: Project | None = None

    def __str__(self) -> str:
        """Return it as messages name it."""
        return self.project or "the vault"

    @property
    def top(self) -> str:
        """The highest level that it has."""
        return self.project or names.ROOT

    def covers(self, level: str) -> bool:
        """Tell whether the view of a level has text of it: the text of `/` is part of every view."""
        return self.project is None or names.within(level, self.project)


VAULT: Final = Scope()
