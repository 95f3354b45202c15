"""The parts by which one open vault is shared, joined to each other."""

from collections.abc import Callable
from typing import NamedTuple

from envfs.errors import EnvFSError
from envfs.gate.keyholder import Keyholder
from envfs.service.sharing.aside import LinesAside
from envfs.service.sharing.catching_up import CatchingUp
from envfs.service.sharing.checking import Checker
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.merging import Merging
from envfs.service.sharing.mirror import Mirror
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.rejoining import Rejoining
from envfs.service.sharing.vault_user import Taken, VaultUser
from envfs.vault.vault import Vault


class SharingParts(NamedTuple):
    """The parts of one vault. `tell` is told of texts that came."""

    vault: Vault
    mirror: Mirror
    passes: CatchingUp
    tell: Callable[[Taken], None]
    merging: Merging
    rejoining: Rejoining


def join_parts(
    vault: Vault, keyholder: Keyholder, store: SharedStore, aside: LinesAside, facts: SharingFacts, user: VaultUser
) -> SharingParts:
    """Return the parts. A rejoining that a killed process began is finished, as far as the disk lets it."""
    mirror, checker = Mirror(vault, store), Checker(vault, keyholder)
    passes = CatchingUp(store, mirror, checker, facts)
    rejoining = Rejoining(vault, store, mirror, checker, passes, aside)
    try:
        rejoining.finish_all(user.accept)
    except EnvFSError as error:
        facts.unfinished = error.text
    merging = Merging(passes, facts, user.tell, user.rebase)
    return SharingParts(vault, mirror, passes, user.tell, merging, rejoining)
