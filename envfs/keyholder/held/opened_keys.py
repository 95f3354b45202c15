"""The project keys that the held identity opened: a place in the keyring's region, so that they are opened once.

Laws: an entry is of one key file to the byte, at one place, as the held identity opened and checked it. It goes with
the identity, and with a lock of its project. It is written and read under the keyring's lock alone. A full area forgets
one of its entries, which is opened again.
"""

from envfs.core import limits
from envfs.core.keyfile import KEY_BYTES
from envfs.core.names import Project
from envfs.core.secret import Secret
from envfs.host.memory import Region

_ENTRY, _ENTRIES = 2048, 8
BYTES = _ENTRY * _ENTRIES
_NAME_AT, NAME_BYTES = 1 + limits.COMPONENT_BYTES + 1, 43
_COUNT_AT = _NAME_AT + NAME_BYTES
_KEYS_AT = _COUNT_AT + 1
_MOST_KEYS = (_ENTRY - _KEYS_AT) // KEY_BYTES


class OpenedKeys:
    """The entries: length of the project's path (1 byte), the path, name of the key file, count (1), the keys."""

    def __init__(self, region: Region, start: int) -> None:
        """Use `BYTES` bytes of a region, from byte `start` on."""
        self._region = region
        self._start = start

    def find(self, project: Project, name: str) -> tuple[Secret[bytes], ...] | None:
        """Return the keys in the key file of that name, if it was opened."""
        for at in self._places():
            body = bytes(self._region.map[at + _NAME_AT : at + _ENTRY])
            if self._project(at) == project and body[:NAME_BYTES] == name.encode():
                start, count = _KEYS_AT - _NAME_AT, body[NAME_BYTES]
                ends = range(start + KEY_BYTES, start + (count + 1) * KEY_BYTES, KEY_BYTES)
                return tuple(Secret(body[end - KEY_BYTES : end]) for end in ends)
        return None

    def put(self, project: Project, name: str, keys: tuple[Secret[bytes], ...]) -> None:
        """Remember the keys of a project, in the place of what was there of it."""
        self.forget(project)
        if not 0 < len(keys) <= _MOST_KEYS:
            return
        free = [at for at in self._places() if not self._region.map[at]]
        at = free[0] if free else self._start + ord(name[0]) % _ENTRIES * _ENTRY  # a name is a digest: any of them
        self._clear(at)
        body = name.encode() + bytes((len(keys),)) + b"".join(key.reveal() for key in keys)
        path = project.encode()
        self._region.map[at + 1 : at + 1 + len(path)] = path
        self._region.map[at + _NAME_AT : at + _NAME_AT + len(body)] = body
        self._region.map[at] = len(path)  # comes last: a child that was killed leaves nothing half done

    def forget(self, project: Project) -> None:
        """Remember nothing of a project any more, nor what a child that was killed did not finish."""
        for at in self._places():
            if not self._region.map[at] or self._project(at) == project:
                self._clear(at)

    def clear(self) -> None:
        """Remember nothing any more."""
        for at in self._places():
            self._clear(at)

    def _places(self) -> range:
        return range(self._start, self._start + BYTES, _ENTRY)

    def _project(self, at: int) -> str:
        return bytes(self._region.map[at + 1 : at + 1 + self._region.map[at]]).decode()

    def _clear(self, at: int) -> None:
        if self._region.map[at] or any(self._region.map[at + _NAME_AT : at + _ENTRY]):
            self._region.map[at] = 0
            self._region.map[at : at + _ENTRY] = bytes(_ENTRY)
