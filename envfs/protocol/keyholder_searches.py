"""The requests to the keyholder that look for variables and values in many texts (docs/protocol.md §3)."""

from envfs.core.addresses import SealedLayer
from envfs.tuples import NamedTuple


class SearchTexts(NamedTuple):
    """Which variables of texts have a name that fits a pattern. Reply: Found.

    With `by_value` those alone that have the value in the descriptor, or in whose value it stands. `trim` as in
    WriteLevel.
    """

    layers: tuple[SealedLayer, ...]
    pattern: str
    by_value: bool = False
    trim: bool = False


class TracedView(NamedTuple):
    """A view to look for a variable in: its layers by their place in the request, the top first.

    With `only`, these names alone are shown, as in RenderView.
    """

    name: str
    layers: tuple[int, ...]
    only: tuple[str, ...] = ()


class TraceVariables(NamedTuple):
    """Which layer sets a variable in each view, and in which views it has one value. Reply: Traced."""

    layers: tuple[SealedLayer, ...]
    views: tuple[TracedView, ...]


class FindCarriers(NamedTuple):
    """Which variables of the `searched` layers have the value that a variable has in a view. Reply: Found.

    A layer of the reply is a place in `searched`. Values and comments in which that value stands count as in
    SearchTexts.
    """

    layers: tuple[SealedLayer, ...]
    view: TracedView
    searched: tuple[int, ...]
