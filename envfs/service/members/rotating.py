"""A new key for this device, in the place of the one that it has.

Laws: the new identity is in the file, in front of the old one, before the list has it. The list says which of the two
counts, so wherever this ends, the home opens. The old one opens what was sealed to it, and signs nothing that counts.
"""

import os
from pathlib import Path

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.fingerprint import device_fingerprint
from envfs.core.membership.members import Members
from envfs.core.operations import KeyOperation
from envfs.core.scope import VAULT
from envfs.errors import BadRequest, NotApproved
from envfs.host import private_files
from envfs.protocol.control import DeviceRotated
from envfs.protocol.keyholding import IdentityMade, OwnDevice, OwnKeys, RotateIdentity
from envfs.service.keys.identity import identity_file, load_identity, open_identity_file, remove_from_keyring
from envfs.service.keys.locking import one_try
from envfs.service.members.inviting import found_list
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import heads_of
from envfs.service.members.sealing import settle_keys
from envfs.service.members.signing import append_entry
from envfs.service.service import Service


async def rotate_device(service: Service, caller: Caller, passphrase: tuple[int, ...]) -> DeviceRotated:
    """Give this device a new key. Begun again, it goes on where it was.

    Raises:
        WrongPassphrase: the identity is under one that did not come, or is another
        BadRequest: the identity is a credential of the service manager
        NotApproved: this device is in no member's name
    """
    if not (await load_members(service)).entries:
        await found_list(service, caller)
    members, old = await load_members(service), (await service.keyholder.ask(OwnDevice(), OwnKeys)).message.author
    member = members.now.by_author(old)
    if not members.now.shared or member is None:
        raise NotApproved("this device has no key of its own in the list of members", "`envfs unlock`, and try again")
    path = Path(identity_file(service))
    if str(path) not in (service.places.identity, service.settings.load().identity_file):
        raise BadRequest(f"the identity is a credential, {path}", "it is changed where systemd has it from")
    service.settings.set_founder(
        members.founder
    )  # this identity will not be the one that the vault names as its owner's
    made = await _make(service, caller, path, passphrase)
    entry = MemberEntry(EntryKind.ROTATE_DEVICE, member=member.number, device=old, author="?", recipient="?", proof="?")
    handle = open_identity_file(service)
    try:
        await append_entry(service, caller, lambda now: _checked(now, old, entry), (handle, *passphrase), last=heads_of)
    finally:
        os.close(handle)
    notes = []
    if service.settings.load().keyring:
        await remove_from_keyring(service, caller)
        notes.append("the keyring does not have the identity any more: `envfs keyring add` puts it there")
    await load_identity(service, passphrase)
    try:
        await settle_keys(service, caller)
    except NotApproved:
        notes.append(
            "keys are sealed to the new key when an administrator's daemon sees it; until then the old one opens"
        )
    return DeviceRotated(made.signing_key, device_fingerprint(made.signing_key, made.recipient), tuple(notes))


async def _make(service: Service, caller: Caller, path: Path, passphrase: tuple[int, ...]) -> IdentityMade:
    handle = open_identity_file(service)
    try:
        with private_files.replacing(path) as target:
            async with one_try(service, caller, VAULT, passphrase):
                answer = await service.keyholder.ask(RotateIdentity(), IdentityMade, (), (handle, target, *passphrase))
            service.log.append(events.identity_changed(KeyOperation.MEMBERS, "a new key of this device"), caller)
            if answer.blobs:
                os.write(target, answer.blobs[0])
    finally:
        os.close(handle)
    return answer.message


def _checked(members: Members, old: str, entry: MemberEntry) -> MemberEntry:
    if members.now.by_author(old) is None:
        raise NotApproved("this device was taken out meanwhile", "`envfs member ls` lists the members")
    return entry
