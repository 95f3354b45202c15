"""The view of a level: its text merged over those of its ancestors, nearest wins, then interpolated.

Law: the order of names is that of the ancestors, new names after them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from envfs.dotenv.document import Document
from envfs.dotenv.interpolation import Finding, Uses, ValueSource, interpolate
from envfs.dotenv.residues import Residue


class Layer(NamedTuple):
    """One level's own text, and the level it belongs to."""

    level: str
    document: Document


class MergedView(NamedTuple):
    """Merged variables: the values by name, by name the level that set it, and the references that came to nothing.

    `opened` are values with references that only the environment of a reader can answer. `sources` and `uses` are the
    assignments that the values and their references come from.
    """

    variables: dict[str, str]
    origin: dict[str, str]
    findings: tuple[Finding, ...] = ()
    opened: Mapping[str, Residue] = MappingProxyType({})
    sources: Mapping[str, ValueSource] = MappingProxyType({})
    uses: Uses = MappingProxyType({})

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
    values, sources, uses, findings, opened = interpolation
    return MergedView(values, origin, findings, opened, sources, uses)


def only_shown(view: MergedView, shows: Callable[[str], bool]) -> MergedView:
    """Return a view with those variables alone whose names are shown, each with the value that it has in all of it."""
    variables = {name: value for name, value in view.variables.items() if shows(name)}
    opened = {name: residue for name, residue in view.opened.items() if name in variables}
    return view._replace(variables=variables, opened=opened)


def layers_of(view: MergedView, name: str) -> list[int]:
    """List the numbers of the layers that a value is made of: that of its assignment, and those of its references."""
    return sorted({source.layer for source in sources_of(view, name)})


def sources_of(view: MergedView, name: str) -> set[ValueSource]:
    """Return the assignments that a value is made of: its own, and those of its references."""
    ahead, passed = [view.sources[name]], set[ValueSource]()
    while ahead:
        source = ahead.pop()
        if source not in passed:
            passed.add(source)
            ahead += (used for _, used in view.uses.get(source, ()) if used is not None)
    return passed


def renamed_names(old: Mapping[str, str], new: Mapping[str, str], changes: NameChanges) -> tuple[tuple[str, str], ...]:
    """Return (name before, name now) of each value that left one name alone and came to one other alone.

    Empty values do not count: that two are empty does not make them one variable.
    """
    gone, come = Counter(old[name] for name in changes.removed), Counter(new[name] for name in changes.added)
    former = {old[name]: name for name in changes.removed if gone[old[name]] == 1}
    values = ((new[name], name) for name in changes.added)
    return tuple((former[value], name) for value, name in values if value and value in former and come[value] == 1)


def name_changes(old: Mapping[str, str], new: Mapping[str, str]) -> NameChanges:
    """Tell by name what it takes to get from `old` to `new`."""
    return NameChanges(
        added=_missing(new, old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=_missing(old, new),
    )


def _missing(names: Mapping[str, str], among: Mapping[str, str]) -> tuple[str, ...]:
    # of two versions of a text there are mostly none, which is found out in a tenth of the time
    return () if names.keys() <= among.keys() else tuple(name for name in names if name not in among)
