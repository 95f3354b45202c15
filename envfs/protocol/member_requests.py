"""The requests to the keyholder about the list of members (docs/protocol.md §3)."""

from envfs.core.addresses import MemberRecords, RecordAddress
from envfs.tuples import NamedTuple


class CheckMembers(NamedTuple):
    """Check the stream `member` of a vault. Each of its records is a blob. Reply: Faults.

    With its `founder` no identity is needed: a home that joined sees by the list that it was let in.
    """

    vault: str
    founder: str = ""


class RotateIdentity(NamedTuple):
    """Make the next identity of this device. Reply: IdentityMade, of that one. The held one stays as it is.

    Descriptors: the identity file, where the new one is to be written, and its passphrase if it is encrypted. In that
    case the new file is a blob. It has the new identity, and behind it those that it had. If it has a new
    one already, whose entry is not in the list, nothing is written.
    """


class OwnDevice(NamedTuple):
    """The public keys of the held identity. Reply: OwnKeys."""


class SignEntry(NamedTuple):
    """Sign the next entry of the stream `member`, once it follows from those before. Reply: Stated and the entry.

    `payload` as in core.membership. The keyholder fills in what it alone knows: its own keys into `found` and `join`,
    the lock into an `invite`, the proof into a `join`. Descriptor: for an `invite` where its code is to be written, for
    a `join` the code, for a `rotate-device` the identity file with the new identity in front, and its passphrase.
    With a second descriptor the `join` is that of a machine whose identity is there, or is made and
    written there: it is signed by that one, and what the keyholder holds stays as it is.
    """

    place: RecordAddress
    time: str
    payload: str
    members: MemberRecords | None = None
