"""Where the held identity lives: one region of memory, shared with the children that work for a request.

A child that learns the identity writes it here; the parent never touches it. Slots: length (2 bytes), then the text.
"""

from envfs.errors import Locked
from envfs.host.memory import Region

_SIZE = 4096
_LENGTH = 2


class Keyring:
    """The keys that are held now."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self._region = Region.create(_SIZE)

    def hold(self, identity: str) -> None:
        """Hold an age identity (`AGE-SECRET-KEY-1…`) from now on."""
        data = identity.encode()
        self._region.map[:_LENGTH] = b"\0\0"
        self._region.map[_LENGTH : _LENGTH + len(data)] = data
        self._region.map[:_LENGTH] = len(data).to_bytes(_LENGTH, "big")

    def forget(self) -> None:
        """Hold nothing any more."""
        self._region.wipe()

    def identity(self) -> str:
        """Return the held identity.

        Raises:
            Locked: none is held
        """
        length = int.from_bytes(self._region.map[:_LENGTH], "big")
        if not length:
            raise Locked("the vault is locked", "unlock it with `envfs unlock`")
        return bytes(self._region.map[_LENGTH : _LENGTH + length]).decode()
