"""Requests about the members of a vault: the next entry of their list, and whether an identity is one of theirs.

Law: an entry is signed only if it follows from those before, so that no honest keyholder closes a list.
"""

import os

from envfs.core import limits, record
from envfs.core.addresses import RecordAddress
from envfs.core.membership import entries
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.member import Invitation
from envfs.core.membership.members import Members
from envfs.core.record import to_base64
from envfs.core.secret import Secret
from envfs.core.statements import StatementType
from envfs.errors import AlreadyExists, AuthenticationFailed, NoSuchLevel, NotApproved
from envfs.keyholder.crypto import identity as identities
from envfs.keyholder.crypto import invitations, statements
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import LoadIdentity, OwnDevice, OwnKeys, SignEntry, Stated


def sign_entry(request: SignEntry, work: Work) -> WorkResult:
    """Fill in what only the keyholder knows, see whether the entry follows, and sign it.

    Raises:
        NotApproved: this identity has no right to it
        NoSuchLevel: no invitation has that code
    """
    _ = work.identity  # without one, nothing is signed
    entry, place, where = entries.parse_payload(request.payload), request.place, request.members
    identity = _machine(work) if entry.kind is EntryKind.JOIN and len(work.descriptors) > 1 else work.identity
    records = work.blobs[where.blob : where.blob + where.number] if where else ()
    members = statements.check_members(identity, place.vault, records)
    entry = _completed(entry, members, request, work, identity)
    payload = entries.entry_payload(entry)
    data = statements.sign_statement(identity, place, request.time, StatementType.MEMBER, payload)
    try:
        statements.follow_entry(identity, place.vault, members, data)
    except AuthenticationFailed:
        raise NotApproved(
            "your role in this vault does not allow that, or it is done already",
            "`envfs member ls` lists them, with what each may do",
        ) from None
    return WorkResult(Stated(), (data,))


def own_device(_request: OwnDevice, work: Work) -> WorkResult:
    """Tell the public keys of the held identity."""
    return WorkResult(OwnKeys(work.identity.recipient, work.identity.author))


def check_device(identity: Identity, request: LoadIdentity, work: Work) -> None:
    """Refuse an identity that is neither the vault's owner nor a device of one of its members.

    Raises:
        AuthenticationFailed: so it is, or the vault was begun by somebody else than this home remembers
        NotApproved: nobody has let it in yet
    """
    owner = request.owner_recipient, request.owner_signing_key
    if request.founder and request.founder != request.owner_signing_key:
        raise AuthenticationFailed("this is not the vault that was joined", "look at [owner] in vault.toml")
    if request.joins and request.founder:
        return
    is_owner = (identity.recipient, identity.author) == owner
    if not is_owner and (request.members is None or not request.founder):
        raise AuthenticationFailed("the identity is not the vault's owner", "look at [owner] in vault.toml")
    if request.members is None:
        return
    records = work.blobs[request.members.blob : request.members.blob + request.members.number]
    members = statements.check_members(identity, request.vault, records)
    member = members.now.by_author(identity.author)
    if member is None and any(item.join and item.join.author == identity.author for item in members.now.invitations):
        raise NotApproved("nobody has approved this device yet", "ask an administrator for `envfs member approve`")
    if member is None or member.has_ended(request.time):
        name = f"{member.name}'s time in this vault ended" if member else "this device is in no member's name any more"
        raise NotApproved(name, "an administrator of the vault can invite it again: `envfs member invite`")


def _machine(work: Work) -> Identity:
    # made once: a try that was overtaken is made again with the same one
    data = work.read(1, limits.FRAME_BYTES, "the identity of the machine")
    text = identities.identity_line(data) if data else identities.new_identity()
    if not data:
        os.pwrite(work.descriptors[1], f"{text.reveal()}\n".encode(), 0)
    return Identity(text, founder=work.identity.founder)


def _completed(entry: MemberEntry, members: Members, request: SignEntry, work: Work, identity: Identity) -> MemberEntry:
    match entry.kind:
        case EntryKind.FOUND:
            return entry._replace(author=identity.author, recipient=identity.recipient)
        case EntryKind.INVITE:
            code = invitations.new_code()
            key = invitations.invitation_key(code, request.place)
            os.truncate(work.descriptors[0], 0)  # of a try before this one
            os.pwrite(work.descriptors[0], f"{code.reveal()}\n".encode(), 0)
            return entry._replace(lock=invitations.lock_of(key))
        case EntryKind.JOIN:
            return _joined(entry, members, request, work, identity)
        case EntryKind.ROTATE_DEVICE:
            return _rotated(entry, members, request, work)
        case _:
            return entry


def _joined(entry: MemberEntry, members: Members, request: SignEntry, work: Work, identity: Identity) -> MemberEntry:
    code, vault = Secret(work.read_text(0, limits.PASSPHRASE_BYTES, "the code")), request.place.vault
    invitation = _fitting(members, vault, code)
    if request.time > invitation.entry.until:
        raise NotApproved("that invitation has ended", "ask for another one: `envfs member invite`")
    filled = entry._replace(invite=invitation.number, author=identity.author, recipient=identity.recipient)
    key = invitations.invitation_key(code, _place_of(members, vault, invitation.number))
    return filled._replace(proof=to_base64(key.sign(invitations.join_text(vault, members, filled))))


def _rotated(entry: MemberEntry, members: Members, request: SignEntry, work: Work) -> MemberEntry:
    data = work.read(0, limits.FRAME_BYTES, "the identity file")
    if identities.is_encrypted(data):
        text = work.open_with(1, lambda passphrase: identities.unwrap_identity(data, passphrase))
    else:
        text = identities.identity_line(data)
    fresh = Identity(identities.lines_of(text)[0])
    filled = entry._replace(device=work.identity.author, author=fresh.author, recipient=fresh.recipient)
    return filled._replace(proof=to_base64(fresh.sign(invitations.rotation_text(request.place.vault, members, filled))))


def _fitting(members: Members, vault: str, code: Secret[str]) -> Invitation:
    for number, entry in enumerate(members.entries, 1):
        if not entry.lock:
            continue
        key = invitations.invitation_key(code, _place_of(members, vault, number))
        if invitations.lock_of(key) == entry.lock:
            for invitation in members.now.invitations:
                if invitation.number == number and invitation.join is None:
                    return invitation
            raise AlreadyExists("that invitation was used, or taken back", "ask for another one: `envfs member invite`")
    raise NoSuchLevel(
        "no invitation of this vault has that code", "is it the newest copy of the right vault? `envfs member heads`"
    )


def _place_of(members: Members, vault: str, number: int) -> RecordAddress:
    before = members.digests[number - 2] if number > 1 else ""
    return RecordAddress(vault, record.MEMBERS, number, before)
