"""One finished view, in secret memory.

Law: a view that is handed out stays whole until its last holder lets go, until the vault is locked, or until one of its
texts is forgotten: then it is wiped at once, and its holders get an error.
"""

import mmap
from collections.abc import Hashable, Mapping
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from envfs.core import dangerous_names, names
from envfs.core.access_request import Format
from envfs.core.events import Served
from envfs.core.view_parts import Part
from envfs.errors import Conflict, EnvFSError, Locked
from envfs.host.memory import Region
from envfs.protocol import parts
from envfs.protocol.keyholding import Rendered

TEXTS: Final = {
    Format.DOTENV: Part.DOTENV,
    Format.JSON: Part.JSON,
    Format.EXAMPLE: Part.EXAMPLE,
    Format.ENVIRON: Part.ENVIRON,
}
_GROWING = (Format.DOTENV, Format.ENVIRON)  # what a new variable is added to at the end
CONTENTS: Final = (*TEXTS, None)  # None for all of a view together


class ChainVersions(NamedTuple):
    """The sources of a view: the versions of a level's chain, the top first, and the digests of these records."""

    level: str
    versions: tuple[int, ...]
    fingerprint: tuple[str, ...]

    def wanted(self) -> list[tuple[str, int]]:
        """List the levels that have text, with their versions."""
        return [pair for pair in zip(names.chain(self.level), self.versions, strict=True) if pair[1]]


class Extent(NamedTuple):
    """A piece of a view: from where to where in its region, in bytes."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How long it is, in bytes."""
        return self.end - self.start


class View:
    """The view of `level` at `version` (0: it has no text). `changed_ns` is when its newest text was written.

    Two views of one level and face that have the same content in a format read the same in it, or the longer one
    begins as the shorter one does. A view `is_paged` once the kernel may have pages of its text: nothing continues it
    then, for such a page has zeros behind the text, which a reader could get who is told of a longer one.
    """

    def __init__(self, made_of: ChainVersions, changed_ns: int, region: Region, shape: Rendered) -> None:
        """Take over `region`."""
        self.level = made_of.level
        self.texts = frozenset(made_of.wanted())
        self.version = made_of.versions[-1]
        self.fingerprint = made_of.fingerprint
        self.served = Served(self.version, made_of.versions[:-1])
        self.variables = shape.variables
        self.dialect = shape.dialect
        self.changed_ns = changed_ns
        self.contents: Mapping[Format | None, Hashable] = dict.fromkeys(CONTENTS, made_of.fingerprint)
        self._region = region
        places = pairwise(accumulate(shape.sizes, initial=0))
        self._parts = {name: Extent(*place) for name, place in zip(Part, places, strict=True)}
        self.is_paged = False
        self._holders = 1
        self._refusal: type[EnvFSError] | None = None
        self._dangerous: tuple[int, ...] | None = None  # the places of names: none of these is held as text

    @property
    def size(self) -> int:
        """How much memory it takes, in bytes."""
        return self._region.size

    def part(self, name: Part) -> Extent:
        """Where a part is."""
        return self._parts[name]

    def content(self, shown: Format) -> Hashable:
        """Return what stands for the content of a text. That of one variable is that of all together."""
        return self.contents.get(shown, self.contents[None])

    def value(self, name: str) -> Extent | None:
        """Where one variable's value is, if there is one of that name."""
        table = self._table()
        at = table.find(name.encode())
        return None if at is None else Extent(*table.value(at))

    def places(self, variables: tuple[str, ...]) -> tuple[int, ...]:
        """Return the places of some names in alphabetical order, -1 for one that the view has not."""
        table = self._table()
        places = (table.find(name.encode()) for name in variables)
        return tuple(-1 if place is None else place for place in places)

    def name(self, at: int) -> str:
        """Return the name that comes at place `at` in alphabetical order."""
        return self._table().name(at).decode()

    def dangerous_names(self, variables: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the names by which a program is made to run other code, of these variables or (without any) of all."""
        if variables:
            return tuple(filter(dangerous_names.runs_code, variables))
        if self._dangerous is None:
            every = ((at, self.name(at)) for at in range(self.variables))
            self._dangerous = tuple(at for at, name in every if dangerous_names.runs_code(name))
        return tuple(map(self.name, self._dangerous))

    def _table(self) -> parts.ValueTable:
        return parts.ValueTable(self._map(), self.part(Part.ENVIRON).start, self.part(Part.TABLE).start, self.variables)

    def read_into(self, target: memoryview, extent: Extent, start: int, size: int) -> int:
        """Copy from byte `start` of a piece, as much as `target` holds, with no copy on the way. Returns how much."""
        begin = extent.start + start
        end = min(begin + min(size, len(target)), extent.end)
        if end <= begin:
            return 0
        with memoryview(self._map()) as whole:
            target[: end - begin] = whole[begin:end]
        return end - begin

    def look(self, extent: Extent) -> memoryview:
        """Return a piece where it is. Let go of it before the view."""
        return memoryview(self._map())[extent.start : extent.end]

    def has_canary(self, variables: tuple[str, ...] = ()) -> bool:
        """Tell whether the true value of a canary is in the view, of these variables or (without any) of all."""
        start, end = self.part(Part.CANARIES)
        if start == end or not variables:
            return start != end
        listed = self._map()[start:end]
        return any(b"\0%b\0" % name.encode() in listed for name in variables)

    def origins(self) -> list[tuple[str, str]]:
        """List each variable's name and the level that sets it."""
        start, end = self.part(Part.ORIGINS)
        words = self._map()[start:end].decode().split("\0")[:-1]
        return list(zip(words[::2], words[1::2], strict=True))

    def reads_as(self, other: "View") -> bool:
        """Tell whether a reader gets the same of both, in every form. Which level sets what does not count."""
        self.check()
        other.check()
        end = self.part(Part.ORIGINS).start
        return other.part(Part.ORIGINS).start == end and self._region.begins_as(other._region, end)  # noqa: SLF001

    def continues(self, other: "View", text: Format | None) -> bool:
        """Tell whether a text (None: all of it) reads as another view's. One that can grow may have more behind it."""
        if text is None:
            return self.reads_as(other)
        self.check()
        other.check()
        mine, others = self.part(TEXTS[text]), other.part(TEXTS[text])
        if mine.size < others.size or (mine.size > others.size and (text not in _GROWING or other.is_paged)):
            return False
        return self._region.has_as(mine.start, other._region, others.start, others.size)  # noqa: SLF001

    def hold(self) -> "View":
        """Keep the view whole for one more holder."""
        self._holders += 1
        return self

    def release(self) -> None:
        """Let go. The last one to do so wipes the view."""
        self._holders -= 1
        if self._holders == 0:
            self._region.close()

    def lock(self) -> None:
        """Wipe the view now, whoever holds it."""
        self._wipe(Locked)

    def forget(self) -> None:
        """Wipe the view now: one of its texts is forgotten for good."""
        self._wipe(Conflict)

    def _wipe(self, refusal: type[EnvFSError]) -> None:
        self._refusal = refusal
        if self._holders > 0:  # else it was wiped when the last one let go
            self._region.wipe()

    def check(self) -> None:
        """Raise Locked or Conflict if the view was wiped."""
        if self._refusal is Locked:
            raise Locked("the vault was locked", "unlock it with `envfs unlock`, and open the file again")
        if self._refusal is not None:
            raise self._refusal("the version that was opened is forgotten", "open the file again")

    def _map(self) -> mmap.mmap:
        self.check()
        return self._region.map
