"""The values for a proxy: asked of the keyholder for the very view that its command gets with placeholders."""

from typing import NamedTuple

from envfs.core import names
from envfs.errors import Conflict
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.view import View
from envfs.protocol.keyholding import BindValues, Bound
from envfs.vault.vault import LayerBlobs, Vault


class BoundValues(NamedTuple):
    """The memory with the variables of a session, which this process does not map. The holder closes it.

    `canaries` are the names of those whose value is a canary's.
    """

    descriptor: int
    size: int
    canaries: tuple[str, ...] = ()


def newest_layers(vault: Vault, view: View) -> LayerBlobs:
    """Return the records that a view was made of.

    Raises:
        Conflict: the level has another text by now
    """
    if vault.fingerprint(view.level) != view.fingerprint:
        raise Conflict(f"{view.level} changed meanwhile", "ask again")
    chain = zip(names.chain(view.level), vault.versions(view.level), strict=True)
    return vault.layers([text for text in chain if text[1]])


async def bind_values(
    vault: Vault, keyholder: Keyholder, view: View, bound: tuple[str, ...], only: tuple[str, ...]
) -> BoundValues:
    """Have the keyholder put the variables of a masked view into memory, and the values of the `bound` ones.

    Raises:
        Conflict: the level has another text by now
        Locked: the level's project is
    """
    async with keyholder.turn():
        layers = newest_layers(vault, view)
        answer = await keyholder.ask(BindValues(layers.layers, bound, only), Bound, layers.blobs)
    vault.confirm(layers)
    return BoundValues(answer.descriptors[0], answer.message.size, answer.message.canaries)
