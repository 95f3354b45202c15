"""What a reader gets at a level: its text merged over those of its ancestors, nearest wins.

Law: merging is associative, and the order of names is that of the ancestors, new names after them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envfs.core.dotenv import Document


class Layer(NamedTuple):
    """One level's own text, and the level it belongs to."""

    level: str
    document: Document


class View(NamedTuple):
    """Merged variables: the values by name, and by name the level that set it."""

    variables: dict[str, str]
    origin: dict[str, str]

    def __repr__(self) -> str:
        """Show how many there are, and no value."""
        return f"View(names={len(self.variables)})"

    def names(self) -> tuple[str, ...]:
        """Return the names, in the order of the view."""
        return tuple(self.variables)


class Changes(NamedTuple):
    """The names in which two sets of variables differ: added and changed in the new order, removed in the old."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def merge(layers: Sequence[Layer]) -> View:
    """Merge texts given from the top level down; a name keeps the place where an ancestor first put it."""
    view = View({}, {})
    for layer in layers:
        own = layer.document.variables()
        view.variables.update(own)
        view.origin.update(dict.fromkeys(own, layer.level))
    return view


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> Changes:
    """Tell by name what it takes to get from `old` to `new`."""
    return Changes(
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=tuple(name for name in old if name not in new),
    )
