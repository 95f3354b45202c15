"""The list of members, checked by the keyholder."""

from envfs.core.membership.folding import fold_entries
from envfs.core.membership.members import Members
from envfs.errors import AuthenticationFailed
from envfs.protocol.keyholding import CheckMembers, Faults
from envfs.service.service import Service


async def load_members(service: Service) -> Members:
    """Return the members of the vault. Without a list, its owner alone.

    Raises:
        AuthenticationFailed: the list is damaged
        Locked: the vault is
    """
    vault = service.open_vault.vault
    records: list[bytes] = []
    if vault.add_members(records) is None:
        return Members(vault.description.signing_key)
    faults = (await service.keyholder.ask(CheckMembers(vault.description.id), Faults, records)).message.texts
    for fault in filter(None, faults):
        raise AuthenticationFailed(f"the list of authors is damaged: {fault}", "`envfs verify` says more")
    return fold_entries(vault.description.signing_key, records)
