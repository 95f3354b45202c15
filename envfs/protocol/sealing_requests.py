"""The daemon's request to the keyholder for values that are sealed for others (docs/protocol.md §3)."""

from envfs.core.addresses import SealedLayer
from envfs.protocol import answers
from envfs.tuples import NamedTuple


class SealValues(NamedTuple):
    """Seal the `names` of a view for whoever has the private half of a key of RSA. Reply: ValuesSealed and one blob.

    `key` is SubjectPublicKeyInfo (RFC 5280) in DER, in base64. `label` is what a sealed value is bound to. The blob is
    NAME=sealed NUL, each in base64.
    """

    layers: tuple[SealedLayer, ...]
    names: tuple[str, ...]
    key: str
    label: str


SEALING_ANSWERS: dict[type, tuple[type, ...]] = {SealValues: (answers.ValuesSealed,)}
