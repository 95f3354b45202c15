"""The members of a shared vault: requests and rows (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class InviteMember(NamedTuple):
    """Invite somebody, or (`device`) one more device of a member who is there. Reply: MemberInvited.

    Descriptor: where the code is to be written. `seconds` is how long the invitation stands, `ttl` how long the member
    stays, 0 for without end. With `renew` a machine renews itself, for `ttl` each time, until so many seconds from now.
    """

    name: str
    role: str = "writer"
    levels: tuple[str, ...] = ()
    machine: bool = False
    seconds: int = 0
    ttl: int = 0
    device: bool = False
    renew: int = 0


class JoinVault(NamedTuple):
    """Make an identity in a home that has the vault of somebody else, and ask to be let in with a code.

    Descriptors: the code, then the passphrase, unless `identity_file` is given. Reply: Joined. An `engine` is written
    into the settings, and the join goes to it.
    """

    identity_file: str = ""
    login: str = ""
    engine: str = ""


class InviteMachine(NamedTuple):
    """Let a machine in, whose identity is made now and written into the descriptor. Reply: MachineInvited.

    `ttl` is how long it stays, in seconds, and `renew` as for a member. `engine` is its own address of the engine, if
    that is another one than this home's. With `dry` nothing is done and no descriptor comes, and the reply says what
    would be.
    """

    name: str
    role: str = "reader"
    levels: tuple[str, ...] = ()
    ttl: int = 0
    engine: str = ""
    dry: bool = False
    renew: int = 0


class EnterVault(NamedTuple):
    """Take part in a vault as a machine, in a daemon whose home goes away with it. Reply: Done, with what was refused.

    Descriptor: the identity. `seq` and `digest` are those of an entry that the list of members has at least.
    """

    engine: str
    vault: str
    created: str
    recipient: str
    signing_key: str
    seq: int
    digest: str


class ApproveMember(NamedTuple):
    """Let somebody in who joined, and seal to them the keys of what they may open. Reply: Done."""

    name: str
    fingerprint: str


class ListMembers(NamedTuple):
    """The members, invitations, and those who wait to be let in. Rows: MemberRow, DeviceRow."""


class ChangeMember(NamedTuple):
    """Give a member another role, other levels, or another end (`ttl` seconds from now, 0: as before). Reply: Done."""

    name: str
    role: str = ""
    levels: tuple[str, ...] = ()
    ttl: int = 0


class RotateDevice(NamedTuple):
    """Give this device a new key in the place of the one that it has. Reply: DeviceRotated.

    Descriptor: the passphrase of the identity, if it has one.
    """


class RevokeMember(NamedTuple):
    """Take a member out, or one `device` of theirs, and make new keys for those who stay.

    Rows: ReadableRow for what they could open. Reply: Done. A revoke whose keys were not made goes on with them.
    """

    name: str
    device: str = ""
    rekey: bool = True


class ListMemberHeads(NamedTuple):
    """The newest entry of the list of members, to be read to each other. Rows: MemberHeadRow."""


class MemberInvited(NamedTuple):
    """The invitation is in the list. `until` is when it ends."""

    name: str
    until: str
    notes: tuple[str, ...] = ()


class MachineInvited(NamedTuple):
    """The machine is in, until `end`. The rest is about the vault, and the newest entry of its list of members."""

    name: str
    role: str
    levels: tuple[str, ...]
    end: str
    engine: str
    vault: str
    created: str
    recipient: str
    signing_key: str
    seq: int
    digest: str


class DeviceRotated(NamedTuple):
    """This device has another key."""

    device: str
    fingerprint: str
    notes: tuple[str, ...] = ()


class Joined(NamedTuple):
    """The join is in the list, and somebody has to approve it."""

    name: str
    role: str
    fingerprint: str


class MemberRow(NamedTuple):
    """A member (`state` is `member` or `ended`), an invitation (`invited`), or one that waits (`joined`).

    `pending` are projects whose key a former member still has: only of the row of who asks, `is_you`.
    """

    name: str
    role: str
    state: str
    levels: tuple[str, ...]
    machine: bool
    end: str
    devices: int
    fingerprint: str = ""
    is_you: bool = False
    until: str = ""
    renews_until: str = ""


class DeviceRow(NamedTuple):
    """A device of a member."""

    name: str
    device: str
    recipient: str
    login: str
    fingerprint: str
    is_yours: bool


class ReadableRow(NamedTuple):
    """A variable that a revoked member could open. `was_opened`: a checkpoint of theirs says that they had it.

    `read_at` is when a machine of theirs last read it (UTC), `read_on` the machine, as its shared log says.
    """

    level: str
    name: str
    was_opened: bool
    read_at: str = ""
    read_on: str = ""


class MemberHeadRow(NamedTuple):
    """The newest entry of the list: its number, its digest, and the digest as words."""

    number: int
    digest: str
    words: str
    pending: tuple[str, ...] = ()


MembersRequest = (
    InviteMember
    | InviteMachine
    | JoinVault
    | EnterVault
    | ApproveMember
    | ListMembers
    | ChangeMember
    | RotateDevice
    | RevokeMember
    | ListMemberHeads
)
MembersReply = MemberInvited | MachineInvited | DeviceRotated | Joined
MembersRow = MemberRow | DeviceRow | ReadableRow | MemberHeadRow
