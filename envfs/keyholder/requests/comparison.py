"""In what views read otherwise than before: many pairs at once, for a change high up is a change of all that is below.

Law: each record is opened once, however many views it is part of; what is answered are parts and names, and no value.
"""

from functools import cache
from typing import NamedTuple

from envfs.core.addresses import SealedLayer
from envfs.core.differences import Difference
from envfs.core.view_parts import Part
from envfs.dotenv import dialects, merging, residues
from envfs.errors import Malformed, TooLarge
from envfs.keyholder.requests.views import readable_parts
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import ChangedNames, CompareTexts, CompareViews, Differing


class _Read(NamedTuple):
    """A view as readers get it: each part, and the values by name."""

    parts: dict[Part, bytes]
    variables: dict[str, str]


_NOTHING = _Read({}, {})


def compare_views(request: CompareViews, work: Work) -> WorkResult:
    """Say of each pair of views in what a reader gets something else now."""

    @cache
    def layer(number: int) -> merging.Layer:
        sealed_layer = request.layers[number]
        return merging.Layer(sealed_layer.level, work.open(sealed_layer))

    def read(numbers: tuple[int, ...]) -> _Read:
        layers = [layer(number) for number in numbers]
        try:
            return _readable(layers)
        except (Malformed, TooLarge):
            return _NOTHING  # nobody can read it, whatever is wrong with it

    return WorkResult(Differing(tuple(_difference(read(pair.before), read(pair.now)) for pair in request.pairs)))


def compare_texts(request: CompareTexts, work: Work) -> WorkResult:
    """Say in which names two views, or two own texts, differ.

    Raises:
        TooLarge: a view would be over its limit
    """

    def variables(sealed_layers: tuple[SealedLayer, ...]) -> dict[str, str]:
        layers = [merging.Layer(layer.level, work.open(layer)) for layer in sealed_layers]
        if request.own:
            return {name: value for layer in layers for name, value in layer.document.variables().items()}
        return _readable(layers).variables

    return WorkResult(ChangedNames(*merging.name_changes(variables(request.before), variables(request.now))))


def _readable(layers: list[merging.Layer]) -> _Read:
    try:
        view = merging.merge_layers(layers)
        read = readable_parts(view, dialects.requested_dialect([layer.document for layer in layers]))
    except Malformed:  # a command may have in its environment what a text requires
        view = merging.merge_layers(layers, lenient=True)
        read = {}
    opened = {
        name: f"{view.variables[name]}\0{residue!r}" for name, residue in residues.residue_json(view.opened).items()
    }
    return _Read(read, {**view.variables, **opened})


def _difference(old: _Read, new: _Read) -> Difference:
    differing = tuple(part for part in old.parts | new.parts if old.parts.get(part) != new.parts.get(part))
    changes = merging.name_changes(old.variables, new.variables)
    return Difference(differing, tuple(name for names in changes for name in names))
