"""One finished view, in secret memory.

Law: a view that is handed out stays whole until its last holder lets go, or until the vault is locked: then it is wiped
at once, and whoever still holds it is told so.
"""

import mmap
from collections.abc import Sequence
from typing import NamedTuple

from envfs.core import names
from envfs.errors import Locked, NoSuchVariable
from envfs.host.memory import Region
from envfs.protocol.keyholding import Rendered


class Layers(NamedTuple):
    """What a view is made of: the versions of a level's chain, the top first, and the digests of these records."""

    level: str
    versions: tuple[int, ...]
    fingerprint: tuple[str, ...]

    def wanted(self) -> list[tuple[str, int]]:
        """List the levels that have text, with their versions."""
        return [pair for pair in zip(names.chain(self.level), self.versions, strict=True) if pair[1]]


class View:
    """The view of `level` at `version` (0: it has no text). `changed_ns` is when its newest text was written."""

    def __init__(self, made_of: Layers, changed_ns: int, region: Region, shape: Rendered) -> None:
        """Take over `region`."""
        self.level = made_of.level
        self.version = made_of.versions[-1]
        self.fingerprint = made_of.fingerprint
        self.variables = shape.variables
        self.dotenv_bytes = shape.dotenv_bytes
        self.changed_ns = changed_ns
        self._region = region
        self._environ_end = shape.dotenv_bytes + shape.environ_bytes
        self._holders = 1
        self._locked = False

    def read_into(self, target: memoryview, start: int, size: int) -> int:
        """Copy a piece of the dotenv text, as much as `target` holds, without a copy on the way; returns how much."""
        end = min(start + size, start + len(target), self.dotenv_bytes)
        if end <= start:
            return 0
        with memoryview(self._map()) as whole:
            target[: end - start] = whole[start:end]
        return end - start

    def dotenv(self) -> memoryview:
        """The whole dotenv text where it is; let go of it before the view."""
        return self._piece(0, self.dotenv_bytes)

    def environ(self) -> memoryview:
        """The variables as NAME=value, each ended by a NUL, where they are; let go of it before the view."""
        return self._piece(self.dotenv_bytes + 1, self._environ_end)

    def variable(self, name: str) -> memoryview | None:
        """One variable's value where it is, or None; let go of it before the view."""
        mark = b"\0" + name.encode() + b"="
        at = self._map().find(mark, self.dotenv_bytes, self._environ_end)
        if at < 0:
            return None
        start = at + len(mark)
        return self._piece(start, self._map().find(b"\0", start))

    def environ_of(self, wanted: Sequence[str]) -> tuple[memoryview, ...]:
        """Some variables as `environ` has them, each where it is and once; let go of them before the view.

        However many are wanted, the view is gone through once.

        Raises:
            NoSuchVariable: the view lacks one
        """
        places = self._places()
        if not places.keys() >= set(wanted):
            raise self.lacks()
        return tuple(self._piece(*places[name]) for name in dict.fromkeys(wanted))

    def lacks(self) -> NoSuchVariable:
        """Return the error for a name that is not in the view."""
        return NoSuchVariable(f"{self.level} has no variable of that name", f"`envfs show {self.level}` lists them")

    def _places(self) -> dict[str, tuple[int, int]]:
        whole, start, places = self._map(), self.dotenv_bytes + 1, {}
        while start < self._environ_end:
            end = whole.find(b"\0", start) + 1
            places[whole[start : whole.find(b"=", start)].decode()] = (start, end)
            start = end
        return places

    def _piece(self, start: int, end: int) -> memoryview:
        return memoryview(self._map())[start:end]

    def origins(self) -> list[tuple[str, str]]:
        """List each variable's name and the level that sets it."""
        words = self._map()[self._environ_end :].decode().split("\0")[:-1]
        return list(zip(words[::2], words[1::2], strict=True))

    def hold(self) -> "View":
        """Keep the view whole for one more holder."""
        self._holders += 1
        return self

    def release(self) -> None:
        """Let go; the last one to do so wipes the view."""
        self._holders -= 1
        if self._holders == 0:
            self._region.close()

    def lock(self) -> None:
        """Wipe the view now, whoever holds it."""
        self._locked = True
        if self._holders > 0:  # else it was wiped when the last one let go
            self._region.wipe()

    def check(self) -> None:
        """Raise Locked if the view was wiped."""
        if self._locked:
            raise Locked("the vault was locked", "unlock it with `envfs unlock`, and open the file again")

    def _map(self) -> mmap.mmap:
        self.check()
        return self._region.map
