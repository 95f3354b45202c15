"""The request to the keyholder that looks for values in a text from outside (docs/protocol.md §3)."""

from envfs.core.addresses import SealedLayer
from envfs.core.value_form import ValueForm
from envfs.tuples import NamedTuple


class ScanText(NamedTuple):
    """Where values of the layers stand in a text. Descriptor: the text, of `size` bytes. Reply: TextScanned.

    With `everything`, also values that stand in texts by chance.
    """

    layers: tuple[SealedLayer, ...]
    size: int
    everything: bool = False


class Carrier(NamedTuple):
    """A variable of the layer of that number."""

    layer: int
    name: str


class Leak(NamedTuple):
    """A value stands at an offset of the text, in a form. These variables have it."""

    offset: int
    carriers: tuple[Carrier, ...]
    form: ValueForm


class Unopened(NamedTuple):
    """The layer of that number does not open."""

    layer: int
    text: str
    is_locked: bool = False


class TextScanned(NamedTuple):
    """The places of values, and if there are `more`. Counted are values looked for, too ordinary ones, short ones."""

    leaks: tuple[Leak, ...]
    more: bool
    values: int
    ordinary: int
    short: int
    unopened: tuple[Unopened, ...] = ()
