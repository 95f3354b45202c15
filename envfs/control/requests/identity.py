"""Requests about the vault's identity: its passphrase, and its copy in a keyring. For callers with `admin`."""

from envfs.control.call import Call, Sent
from envfs.host.keyrings import parse_keyring
from envfs.protocol.control import BringIdentity, ChangePassphrase, Done, ForgetIdentity, KeepIdentity
from envfs.service.keys import identity


async def change_passphrase(call: Call, _request: ChangePassphrase) -> Sent:
    """Put the vault's identity under another passphrase."""
    await identity.rewrap_identity(call.service, call.caller, call.descriptors)
    return Sent(Done())


async def bring_identity(call: Call, _request: BringIdentity) -> Sent:
    """Use an identity that the client has, for its one command."""
    given = call.descriptor("the identity")
    await identity.bring_identity(call.service, call.caller, given)
    return Sent(Done())


async def keep_identity(call: Call, request: KeepIdentity) -> Sent:
    """Keep the identity in a keyring of the operating system, beside its file."""
    await identity.store_in_keyring(call.service, call.caller, parse_keyring(request.keyring), call.descriptors)
    return Sent(Done())


async def forget_identity(call: Call, _request: ForgetIdentity) -> Sent:
    """Remove the identity from the keyring."""
    await identity.remove_from_keyring(call.service, call.caller)
    return Sent(Done())
