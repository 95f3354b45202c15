"""Joining the vault of somebody else: a home gets an identity of its own, and asks to be let in.

Laws: nothing that is there is replaced. The code of the invitation proves the list, so the founder who stands in it is
remembered only once the code fits. The identity is on the disk before the join is in the list.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.fingerprint import device_fingerprint
from envfs.core.membership.members import Members
from envfs.errors import AlreadyExists, EnvFSError, NoSuchLevel, NotApproved, StoreUnavailable, WrongPassphrase
from envfs.protocol.control import Joined, JoinVault
from envfs.protocol.keyholding import Forget, Forgotten, IdentityMade, LoadIdentity
from envfs.service.keys.identity import open_identity_file
from envfs.service.maintenance import setup, shared_engine
from envfs.service.members.listing import load_members
from envfs.service.members.signing import append_entry
from envfs.service.service import Service


async def join_vault(service: Service, caller: Caller, request: JoinVault, descriptors: tuple[int, ...]) -> Joined:
    """Make an identity, and put a join into the list. `descriptors` are the code and the passphrase.

    A join that did not get into the list goes on with the identity that was made for it.

    Raises:
        AlreadyExists: this home has an identity, or the invitation was used
        NoSuchLevel: no invitation has that code
        NotApproved: the invitation has ended
    """
    code, passphrase, identity_file = descriptors[:1], descriptors[1:], request.identity_file
    is_begun = _is_begun(service, identity_file)
    if request.engine:
        shared_engine.check_engine(service, request.engine)
    if not identity_file and not passphrase:
        raise WrongPassphrase("a new identity needs a passphrase", "type one, or use --passphrase-file")
    vault = service.open_vault.vault
    if vault.stream_head("member") is None:
        raise NoSuchLevel("nobody was invited to this vault", "is it the newest copy? `envfs member invite` invites")
    is_new = False
    try:
        if is_begun:
            made = await _made_before(service, passphrase)
            members = await _joined_before(service, made) or await _append(service, caller, request, code, _nothing)
        else:
            made, blobs = await setup.new_identity(service, identity_file, passphrase, vault.description.signing_key)
            is_new = True
            members = await _append(service, caller, request, code, lambda: _keep(service, request, blobs))
    except EnvFSError as error:
        if is_new and identity_file and not service.settings.load().founder:  # made here, and known nowhere
            with suppress(OSError):
                os.unlink(identity_file)
        elif isinstance(error, StoreUnavailable):
            error.hint = "`envfs member join` again, with the same code and passphrase, goes on from here"
        raise
    finally:
        await service.keyholder.ask(Forget(), Forgotten)  # nobody has let it in yet
    return _joined(service, caller, made, members)


async def _append(
    service: Service, caller: Caller, request: JoinVault, code: tuple[int, ...], keep: Callable[[], None]
) -> Members:
    entry = MemberEntry(EntryKind.JOIN, invite=1, login=request.login)
    return await append_entry(service, caller, lambda _members: entry, code, keep)


def _keep(service: Service, request: JoinVault, blobs: tuple[bytes, ...]) -> None:
    if not request.identity_file and not os.path.exists(service.places.identity):
        setup.write_new(Path(service.places.identity), blobs[0])
    service.settings.write_defaults(request.identity_file)
    service.settings.set_founder(service.open_vault.vault.description.signing_key)
    if request.engine:
        service.settings.set_engine(request.engine)


def _nothing() -> None:
    """Everything is on the disk."""


def _joined(service: Service, caller: Caller, made: IdentityMade, members: Members) -> Joined:
    service.sharing.facts.remember_device(made.signing_key)
    service.book.give(Rule(names.ROOT, caller.uid))
    item = next(item for item in members.now.invitations if item.join and item.join.author == made.signing_key)
    member = members.now.by_number(item.entry.member)
    name, role = (member.name, member.role.value) if member else (item.entry.name, item.entry.role)
    return Joined(name, role, device_fingerprint(made.signing_key, made.recipient))


async def _made_before(service: Service, passphrase: tuple[int, ...]) -> IdentityMade:
    about = service.open_vault.vault.description
    request = LoadIdentity(
        about.recipient, about.signing_key, founder=service.settings.load().founder, vault=about.id, joins=True
    )
    handle = open_identity_file(service)
    try:
        return (await service.keyholder.ask(request, IdentityMade, (), (handle, *passphrase))).message
    finally:
        os.close(handle)


async def _joined_before(service: Service, made: IdentityMade) -> Members | None:
    # it may be there though the answer to it was lost
    await service.sharing.hear()
    members = await load_members(service)
    if any(item.join and item.join.author == made.signing_key for item in members.now.invitations):
        return members
    if members.now.by_author(made.signing_key):
        raise AlreadyExists("this home has joined already", "`envfs member ls`")
    if made.signing_key in members.now.keys:
        raise NotApproved("the invitation of this home was taken back", "join with another code, in another home")
    return None


def _is_begun(service: Service, identity_file: str) -> bool:
    # a home that remembers a founder began to join. Whether it got into the list is seen there
    settings = service.settings.load()
    if settings.founder and settings.identity_file == identity_file and not service.locks.unlocked:
        return os.path.exists(identity_file or service.places.identity)
    if not identity_file and os.path.exists(service.places.identity):
        raise AlreadyExists(f"there is an identity already at {service.places.identity}", "move it aside")
    if settings.founder:
        raise AlreadyExists("this home has joined already", "`envfs member ls`, once it was let in")
    setup.check_settings(service, identity_file)
    return False
