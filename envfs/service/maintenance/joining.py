"""Joining the vault of somebody else: a home gets an identity of its own, and asks to be let in.

Laws: nothing that is there is replaced. The code of the invitation proves the list, so the founder who stands in it is
remembered only once the code fits. The identity is on the disk before the join is in the list.
"""

import os
from contextlib import suppress
from pathlib import Path

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.fingerprint import device_fingerprint
from envfs.errors import AlreadyExists, EnvFSError, NoSuchLevel, WrongPassphrase
from envfs.protocol.control import Joined, JoinVault
from envfs.protocol.keyholding import Forget, Forgotten
from envfs.service.maintenance import setup, shared_engine
from envfs.service.members.signing import append_entry
from envfs.service.service import Service


async def join_vault(service: Service, caller: Caller, request: JoinVault, descriptors: tuple[int, ...]) -> Joined:
    """Make an identity, and put a join into the list. `descriptors` are the code and the passphrase.

    Raises:
        AlreadyExists: this home has an identity, or the invitation was used
        NoSuchLevel: no invitation has that code
        NotApproved: the invitation has ended
    """
    code, passphrase, identity_file = descriptors[:1], descriptors[1:], request.identity_file
    _check_home(service, identity_file)
    if request.engine:
        shared_engine.check_engine(service, request.engine)
    if not identity_file and not passphrase:
        raise WrongPassphrase("a new identity needs a passphrase", "type one, or use --passphrase-file")
    vault = service.open_vault.vault
    if vault.stream_head("member") is None:
        raise NoSuchLevel("nobody was invited to this vault", "is it the newest copy? `envfs member invite` invites")
    founder = vault.description.signing_key
    made, blobs = await setup.new_identity(service, identity_file, passphrase, founder)
    entry = MemberEntry(EntryKind.JOIN, invite=1, login=request.login)

    def keep() -> None:
        if not identity_file and not os.path.exists(service.places.identity):
            setup.write_new(Path(service.places.identity), blobs[0])
        service.settings.write_defaults(identity_file)
        service.settings.set_founder(founder)
        if request.engine:
            service.settings.set_engine(request.engine)

    try:
        members = await append_entry(service, caller, lambda _members: entry, code, keep)
    except EnvFSError:
        if identity_file and not service.settings.load().founder:
            with suppress(OSError):
                os.unlink(identity_file)
        raise
    finally:
        await service.keyholder.ask(Forget(), Forgotten)  # nobody has let it in yet
    service.sharing.facts.remember_device(made.signing_key)
    service.book.give(Rule(names.ROOT, caller.uid))
    item = next(item for item in members.now.invitations if item.join and item.join.author == made.signing_key)
    member = members.now.by_number(item.entry.member)
    name, role = (member.name, member.role.value) if member else (item.entry.name, item.entry.role)
    return Joined(name, role, device_fingerprint(made.signing_key, made.recipient))


def _check_home(service: Service, identity_file: str) -> None:
    if not identity_file and os.path.exists(service.places.identity):
        raise AlreadyExists(f"there is an identity already at {service.places.identity}", "move it aside")
    if service.settings.load().founder:
        raise AlreadyExists("this home has joined already", "`envfs member ls`, once it was let in")
    setup.check_settings(service, identity_file)
