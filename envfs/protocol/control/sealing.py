"""A view that is sealed for others than this machine: the request and its reply (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class SealView(NamedTuple):
    """The values of a view, each sealed for whoever has the private half of a key. Reply: ViewSealed and one blob.

    `key` is a public key of RSA: SubjectPublicKeyInfo (RFC 5280) in DER, in base64. `label` is what a sealed value is
    bound to, and is empty where it is bound to nothing. `reason` as in ReadView. The blob is NAME=sealed NUL, each in
    base64.
    """

    level: str
    key: str
    label: str
    only: tuple[str, ...] = ()
    reason: str = ""


class ViewSealed(NamedTuple):
    """So many values of a level at that version were sealed."""

    level: str
    version: int
    variables: int


SealingRequest = SealView
SealingReply = ViewSealed
