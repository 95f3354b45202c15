"""What is held now: one region of memory, shared with the children that work for a request.

A child that learns a key writes it here; the parent never touches it. The daemon lets one child at a time write; others
may read meanwhile, so that an entry becomes valid with its last byte and is looked at again after it was copied.

    identity   length (2 bytes), the age identity's line
    slots      length of the project's path (1), the path, digest of the key file, count (1), the keys

A slot with no keys is a mark: the project is locked though the identity could open it.
"""

from collections.abc import Iterator

from envfs.core import limits
from envfs.core.keyfile import KEY_BYTES
from envfs.errors import Locked, TooLarge
from envfs.host.memory import Region

_IDENTITY, _LENGTH = 4096, 2
_SLOT, _SLOTS = 2048, 64
_PATH, _DIGEST = 1 + limits.COMPONENT_BYTES + 1, 43
_COUNT = _PATH + _DIGEST


class Keyring:
    """The keys that are held now."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self._region = Region.create(_IDENTITY + _SLOTS * _SLOT)

    # -- the identity --------------------------------------------------------------------------------------------------

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

    def close(self) -> None:
        """Forget everything and give the memory back."""
        self._region.close()

    # -- projects ------------------------------------------------------------------------------------------------------

    def hold_project(self, project: str, digest: str, keys: tuple[bytes, ...]) -> None:
        """Hold the keys of a project (`/shop`) as the key file of that digest has them, in the place of what was held.

        Raises:
            TooLarge: too many projects are held
        """
        at = self._slot(project)
        body = digest.ljust(_DIGEST, "\0").encode() + bytes((len(keys),)) + b"".join(keys)
        path = project.encode()
        self._region.map[at : at + _SLOT] = bytes(_SLOT)
        self._region.map[at + 1 : at + 1 + len(path)] = path
        self._region.map[at + _PATH : at + _PATH + len(body)] = body
        self._region.map[at] = len(path)

    def close_project(self, project: str) -> None:
        """Lock a project that the identity could open."""
        self.hold_project(project, "", ())

    def forget_project(self, project: str) -> None:
        """Hold nothing of a project any more, neither keys nor a mark."""
        for at in self._taken():
            if self._path(at) == project:
                self._region.map[at] = 0
                self._region.map[at : at + _SLOT] = bytes(_SLOT)

    def reopen_all(self) -> None:
        """Remove every mark."""
        for at in self._taken():
            if not self._region.map[at + _COUNT]:
                self.forget_project(self._path(at))

    def is_closed(self, project: str) -> bool:
        """Tell whether a project is locked by a mark."""
        return any(self._path(at) == project and not self._region.map[at + _COUNT] for at in self._taken())

    def project(self, project: str, digest: str) -> tuple[bytes, ...] | None:
        """Return the keys of a project, if they are held and of the key file of that digest."""
        for at in self._taken():
            body = bytes(self._region.map[at + _PATH : at + _SLOT])
            if self._path(at) == project and body[:_DIGEST] == digest.encode() and self._region.map[at]:
                end = _DIGEST + 1 + body[_DIGEST] * KEY_BYTES
                return tuple(body[start : start + KEY_BYTES] for start in range(_DIGEST + 1, end, KEY_BYTES))
        return None

    def _taken(self) -> Iterator[int]:
        return (at for at in _places() if self._region.map[at])

    def _path(self, at: int) -> str:
        return bytes(self._region.map[at + 1 : at + 1 + self._region.map[at]]).decode()

    def _slot(self, project: str) -> int:
        mine = [at for at in self._taken() if self._path(at) == project]
        free = mine or [at for at in _places() if not self._region.map[at]]
        if not free:
            raise TooLarge("too many projects are held at once", f"at most {_SLOTS}; lock one first")
        return free[0]


def _places() -> Iterator[int]:
    return (_IDENTITY + number * _SLOT for number in range(_SLOTS))
