"""The held keys: one region of memory, shared with the children that work for a request.

A child that learns a key writes it here. The parent never touches it. Children take a lock, so that none sees half of
what another writes, and no two write into the same place.

    identity   length (2 bytes), the age identity's line
    founder    the public signing key of who began the vault, in base64url. Zeros if that is the same
    author     its public signing key, in base64url. Zeros if it was not told
    signed     length (2 bytes), the last checkpoint that was signed, as text. It outlives the keys
    slots      length of the project's path (1), the path, name of the key file, count (1), the keys
    opened     what the identity opened (`opened_keys`)

A slot with no keys is a mark: the project is locked though the identity could open it. A mark outlives the keys: when
everything is forgotten, and the identity is held again for the sake of another project, it still stands.
"""

from collections.abc import Iterator

from envfs.core import limits
from envfs.core.keyfile import KEY_BYTES
from envfs.core.names import Project
from envfs.core.secret import Secret
from envfs.errors import Locked, TooLarge
from envfs.host.memory import Region
from envfs.keyholder.crypto.checked_signatures import CheckedSignatures
from envfs.keyholder.held import opened_keys
from envfs.keyholder.held.fork_lock import ForkLock
from envfs.keyholder.held.opened_keys import OpenedKeys

_IDENTITY, _SIGNED, _LENGTH = 2048, 2048, 2
_AUTHOR = 43
_AUTHOR_AT = _IDENTITY - _AUTHOR
_FOUNDER_AT = _AUTHOR_AT - _AUTHOR
_SLOTS_AT = _IDENTITY + _SIGNED
_SLOT, _SLOTS = 2048, 64
_PATH, _NAME = 1 + limits.COMPONENT_BYTES + 1, 43
_COUNT = _PATH + _NAME
_OPENED_AT = _SLOTS_AT + _SLOTS * _SLOT


class Keyring:
    """The keys that are held now."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self._region = Region.create(_OPENED_AT + opened_keys.BYTES)
        self._opened = OpenedKeys(self._region, _OPENED_AT)
        self._lock = ForkLock()
        self.checked = CheckedSignatures()

    # -- the identity --------------------------------------------------------------------------------------------------

    def hold(self, identity: Secret[str], author: str = "", founder: str = "") -> None:
        """Hold an age identity (`AGE-SECRET-KEY-1…`) from now on, and its public signing key, which takes a while.

        And that of who began the vault, if that is somebody else.
        """
        data = identity.reveal().encode()
        with self._lock:
            self._opened.clear()
            self._region.map[_LENGTH : _LENGTH + len(data)] = data
            self._region.map[_FOUNDER_AT:_AUTHOR_AT] = founder.encode().ljust(_AUTHOR, b"\0")
            self._region.map[_AUTHOR_AT:_IDENTITY] = author.encode().ljust(_AUTHOR, b"\0")
            self._region.map[:_LENGTH] = len(data).to_bytes(_LENGTH, "big")

    def forget(self) -> None:
        """Hold nothing any more. The marks stay."""
        with self._lock:
            marks, signed = [self._path(at) for at in self._marks()], self._signed()
            self._region.wipe()
            self._write_signed(signed)
            for project in marks:
                self._write(project, "", ())

    def identity(self) -> Secret[str]:
        """Return the held identity.

        Raises:
            Locked: none is held
        """
        return self.identity_and_author()[0]

    def identity_and_author(self) -> tuple[Secret[str], str]:
        """Return the held identity, and its public signing key if that was told.

        Raises:
            Locked: none is held
        """
        with self._lock:
            identity, author = self._identity(), bytes(self._region.map[_AUTHOR_AT:_IDENTITY])
        if not identity:
            raise Locked("the vault is locked", "unlock it with `envfs unlock`")
        return Secret(identity.decode()), author.rstrip(b"\0").decode()

    def founder(self) -> str:
        """Return the public signing key of who began the vault. Empty where that is the held identity's."""
        return bytes(self._region.map[_FOUNDER_AT:_AUTHOR_AT]).rstrip(b"\0").decode()

    def _identity(self) -> bytes:
        return bytes(self._region.map[_LENGTH : _LENGTH + int.from_bytes(self._region.map[:_LENGTH], "big")])

    def _holds(self, identity: Secret[str]) -> bool:
        return Secret(self._identity().decode()) == identity

    # -- what the identity opened --------------------------------------------------------------------------------------

    def hold_opened(self, identity: Secret[str], project: Project, name: str, keys: tuple[Secret[bytes], ...]) -> None:
        """Hold the keys that an identity opened in the key file of that name, if nothing was locked meanwhile."""
        with self._lock:
            if self._holds(identity) and not self._is_closed(project):
                self._opened.put(project, name, keys)

    def opened(self, identity: Secret[str], project: Project, name: str) -> tuple[Secret[bytes], ...] | None:
        """Return the keys of a project that is not locked, if this identity opened the key file of that name."""
        with self._lock:
            if not self._holds(identity) or self._is_closed(project):
                return None
            return self._opened.find(project, name)

    # -- the last checkpoint -------------------------------------------------------------------------------------------

    def hold_signed(self, signed: tuple[str, ...]) -> None:
        """Remember the last checkpoint that was signed, as words without blanks."""
        with self._lock:
            self._write_signed(" ".join(signed).encode())

    def signed(self) -> tuple[str, ...]:
        """Return what was remembered of the last checkpoint. Empty if none was signed."""
        with self._lock:
            return tuple(self._signed().decode().split())

    def _signed(self) -> bytes:
        start = _IDENTITY + _LENGTH
        return bytes(self._region.map[start : start + int.from_bytes(self._region.map[_IDENTITY:start], "big")])

    def _write_signed(self, data: bytes) -> None:
        start = _IDENTITY + _LENGTH
        self._region.map[start : start + len(data)] = data
        self._region.map[_IDENTITY:start] = len(data).to_bytes(_LENGTH, "big")

    # -- projects ------------------------------------------------------------------------------------------------------

    def hold_project(self, project: Project, name: str, keys: tuple[Secret[bytes], ...]) -> None:
        """Hold the keys of a project as the key file of that name has them, in the place of what was held.

        Raises:
            TooLarge: too many projects are held
        """
        with self._lock:
            self._write(project, name, keys)

    def close_project(self, project: Project) -> None:
        """Lock a project, though the identity could open it.

        Raises:
            TooLarge: too many projects are held
        """
        self.hold_project(project, "", ())

    def forget_project(self, project: Project) -> None:
        """Hold nothing of a project any more, neither keys nor a mark."""
        with self._lock:
            self._opened.forget(project)
            for at in self._taken(project):
                self._clear(at)

    def reopen_all(self) -> None:
        """Remove every mark."""
        with self._lock:
            for at in self._marks():
                self._clear(at)

    def is_closed(self, project: Project) -> bool:
        """Tell whether a project is locked by a mark."""
        with self._lock:
            return self._is_closed(project)

    def _is_closed(self, project: Project) -> bool:
        return any(self._path(at) == project for at in self._marks())

    def project(self, project: Project, name: str) -> tuple[Secret[bytes], ...] | None:
        """Return the keys of a project, if they are held and of the key file of that name."""
        with self._lock:
            for at in self._taken(project):
                body = bytes(self._region.map[at + _PATH : at + _SLOT])
                if body[:_NAME] == name.encode() and body[_NAME]:
                    end = _NAME + 1 + body[_NAME] * KEY_BYTES
                    return tuple(Secret(body[start : start + KEY_BYTES]) for start in range(_NAME + 1, end, KEY_BYTES))
        return None

    # -- slots, under the lock -----------------------------------------------------------------------------------------

    def _write(self, project: Project, name: str, keys: tuple[Secret[bytes], ...]) -> None:
        self._opened.forget(project)
        at = self._slot(project)
        body = name.ljust(_NAME, "\0").encode() + bytes((len(keys),)) + b"".join(key.reveal() for key in keys)
        path = project.encode()
        self._clear(at)
        self._region.map[at + 1 : at + 1 + len(path)] = path
        self._region.map[at + _PATH : at + _PATH + len(body)] = body
        self._region.map[at] = len(path)  # comes last: a child that was killed leaves nothing half done

    def _clear(self, at: int) -> None:
        self._region.map[at] = 0
        self._region.map[at : at + _SLOT] = bytes(_SLOT)

    def _taken(self, project: Project | None = None) -> list[int]:
        first_bytes = self._region.map[_SLOTS_AT:_OPENED_AT:_SLOT]
        taken = [at for at, length in zip(_places(), first_bytes, strict=True) if length] if any(first_bytes) else []
        return [at for at in taken if project in (None, self._path(at))]

    def _marks(self) -> list[int]:
        return [at for at in self._taken() if not self._region.map[at + _COUNT]]

    def _path(self, at: int) -> Project:
        return Project(bytes(self._region.map[at + 1 : at + 1 + self._region.map[at]]).decode())

    def _slot(self, project: Project) -> int:
        free = self._taken(project) or [at for at in _places() if not self._region.map[at]]
        if not free:
            raise TooLarge("too many projects are held at once", f"at most {_SLOTS}; lock one first")
        return free[0]


def _places() -> Iterator[int]:
    return (_SLOTS_AT + number * _SLOT for number in range(_SLOTS))
