"""Half a megabyte of code, which a vault without an engine never needs, is loaded at its first use."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from envfs.core.secret import Secret
from envfs.courier.engine import Engine
from envfs.gate.keyholder import Keyholder
from envfs.service.sharing.aside import LinesAside
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.vault_user import VaultUser
from envfs.vault.vault import Vault

if TYPE_CHECKING:
    from envfs.service.sharing.parts import SharingParts


class LateParts:
    """The parts by which a vault is shared, once it is open and they are asked for."""

    def __init__(self, store: SharedStore, aside: LinesAside, facts: SharingFacts) -> None:
        """Join them to these."""
        self._places = store, aside, facts
        self._opened: tuple[Vault, Keyholder, VaultUser] | None = None
        self._parts: SharingParts | None = None

    def join(self, vault: Vault, keyholder: Keyholder, user: VaultUser) -> None:
        """Take a vault that was opened. A rejoining that a killed process began is finished now."""
        self._opened, self._parts = (vault, keyholder, user), None
        if any(not line.done for line in self._places[1]):
            self.get()

    def get(self) -> "SharingParts | None":
        """Return the parts, or None without an open vault."""
        from envfs.service.sharing.parts import join_parts  # noqa: PLC0415 - see above

        if self._parts is None and self._opened is not None:
            vault, keyholder, user = self._opened
            self._parts = join_parts(vault, keyholder, *self._places, user)
        return self._parts


def running_courier(address: Secret[str]) -> AbstractAsyncContextManager[Engine]:
    """Return a process that speaks with the engine of an address, for as long as a block."""
    from envfs.service.sharing import courier_link  # noqa: PLC0415 - see above

    return courier_link.running_courier(address)
