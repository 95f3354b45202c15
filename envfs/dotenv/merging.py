"""The view of a level: its text merged over those of its ancestors, nearest wins, then interpolated.

Law: the order of names is that of the ancestors, new names after them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from envfs.dotenv.document import Document
from envfs.dotenv.interpolation import Finding, interpolate
from envfs.dotenv.residues import Residue


class Layer(NamedTuple):
    """One level's own text, and the level it belongs to."""

    level: str
    document: Document


class MergedView(NamedTuple):
    """Merged variables: the values by name, by name the level that set it, and the references that came to nothing.

    `opened` are values with references that only the environment of a reader can answer.
    """

    variables: dict[str, str]
    origin: dict[str, str]
    findings: tuple[Finding, ...] = ()
    opened: Mapping[str, Residue] = MappingProxyType({})

    def __repr__(self) -> str:
        """Show how many there are, and no value."""
        return f"View(names={len(self.variables)})"

    def names(self) -> tuple[str, ...]:
        """Return the names, in the order of the view."""
        return tuple(self.variables)


class NameChanges(NamedTuple):
    """The names in which two sets of variables differ: added and changed in the new order, removed in the old."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def merge_layers(layers: Sequence[Layer], *, lenient: bool = False) -> MergedView:
    """Merge texts given from the top level down. A name keeps the place where an ancestor first put it.

    With `lenient`, what is required may come from the environment of a command.

    Raises:
        Malformed: a variable that `${NAME:?message}` requires is missing
        TooLarge: a value, or all together, are over their limit, or templates lead on too far
    """
    interpolation = interpolate([layer.document for layer in layers], lenient=lenient)
    origin = {name: layers[source.layer].level for name, source in interpolation.sources.items()}
    return MergedView(interpolation.values, origin, interpolation.findings, interpolation.opened)


def name_changes(old: Mapping[str, str], new: Mapping[str, str]) -> NameChanges:
    """Tell by name what it takes to get from `old` to `new`."""
    return NameChanges(
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=tuple(name for name in old if name not in new),
    )
