"""The names of those who wrote a vault's records, by the keys of their devices, as its list of members has them."""

from envfs.core.membership.folding import fold_entries
from envfs.vault.vault import Vault


def member_names(vault: Vault) -> dict[str, str]:
    """Return the name of each device's member, former ones too. Nothing without a list.

    Raises:
        AuthenticationFailed: the list is damaged
    """
    records: list[bytes] = []
    if vault.add_members(records) is None:
        return {}
    rosters = fold_entries(vault.description.signing_key, records).rosters
    return {
        device.author: member.name
        for roster in rosters
        for member in roster.members
        for device in member.devices
        if member.name
    }
