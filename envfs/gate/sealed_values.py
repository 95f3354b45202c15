"""The values of a view, sealed by the keyholder for others: ciphertext is all that this process gets."""

from envfs.gate.bound_values import newest_layers
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.view import View
from envfs.protocol.keyholding import SealValues, ValuesSealed
from envfs.vault.vault import Vault


async def seal_values(
    vault: Vault, keyholder: Keyholder, view: View, names: tuple[str, ...], key: str, label: str
) -> bytes:
    """Have the keyholder seal the values of a view. `key` and `label` as in SealValues. Returns NAME=sealed NUL.

    Raises:
        Conflict: the level has another text by now
        Locked: the level's project is
        BadRequest: the public key is none
    """
    async with keyholder.turn():
        layers = newest_layers(vault, view)
        answer = await keyholder.ask(SealValues(layers.layers, names, key, label), ValuesSealed, layers.blobs)
    vault.confirm(layers)
    return answer.blobs[0]
