"""The changes of versions as a caller may see them, and those of one variable among them.

Laws: names are for callers with `names`. That a value stands under another name now is told of a `rename`, which says
so by itself, and otherwise to callers alone that may have the values: it would be a way to compare two of them.
"""

from typing import NamedTuple

from envfs.core.access.face import Face
from envfs.gate.shown_names import shown_change
from envfs.protocol.answers import VersionChange

_RENAME = "rename"


class HistoryFace(NamedTuple):
    """How a caller sees a history: in which faces names are shown (None: not at all), and what else it may have.

    Without `has_changed` it does not learn which values changed, as it could have tried one.
    """

    names: tuple[Face, ...] | None
    has_values: bool
    has_messages: bool
    has_changed: bool = True

    def shown(self, change: VersionChange) -> VersionChange:
        """Return the part of a version's change that the caller may have."""
        if not self.has_messages:
            change = change._replace(message="")
        if not self.has_changed:
            change = change._replace(changed=())
        if self.names is None:
            return change._replace(added=(), changed=(), removed=(), renamed=())
        if not self.has_values and change.operation != _RENAME:
            change = change._replace(renamed=())
        for face in self.names:
            change = shown_change(change, face)
        return change


class NameTrail:
    """One variable on its way back through the versions, under the names that it had."""

    def __init__(self, name: str) -> None:
        """Begin with the name that it has, or had last."""
        self._name = name

    @property
    def name(self) -> str:
        """The name that it had before the versions that were followed."""
        return self._name

    def followed(self, change: VersionChange) -> VersionChange | None:
        """Return the part of a version's change that is about the variable, or None. Versions come newest first."""
        pair = next((pair for pair in change.renamed if self._name in pair), None)
        names = frozenset(pair or (self._name,))
        if not names & {*change.added, *change.changed, *change.removed}:
            return None
        if pair is not None:
            self._name = pair.before
        added, changed, removed = (
            tuple(name for name in group if name in names) for group in (change.added, change.changed, change.removed)
        )
        return change._replace(added=added, changed=changed, removed=removed, renamed=(pair,) if pair else ())
