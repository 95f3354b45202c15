"""Whether views read as before, asked of the keyholder: the daemon compares ciphertext and numbers, never text.

Law: a view that cannot be read, for another reason than a lock, counts as changed: so does what a reader is answered.
"""

from collections.abc import Mapping
from typing import NamedTuple

from envfs.core import names
from envfs.core.differences import Difference
from envfs.core.view_parts import Part
from envfs.errors import EnvFSError, KeyholderGone, Locked
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.view import ChainVersions
from envfs.protocol.keyholding import CompareViews, Differing, Pair
from envfs.vault.vault import Vault


class LevelVersion(NamedTuple):
    """One version of a level: its number (0: no text, -1: not known any more) and its record's digest."""

    seq: int
    digest: str


NO_TEXT, UNKNOWN = LevelVersion(0, ""), LevelVersion(-1, "")
EVERYTHING = Difference(tuple(Part))


class ViewChange(NamedTuple):
    """The sources of a view before and now."""

    before: ChainVersions
    now: ChainVersions


class Comparison:
    """Compares views of one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Ask `keyholder` about views of `vault`."""
        self._vault = vault
        self._keyholder = keyholder

    def now(self, level: str) -> ChainVersions:
        """Return what a level's view is made of."""
        return ChainVersions(level, self._vault.versions(level), self._vault.fingerprint(level))

    def before(self, level: str, written: Mapping[str, LevelVersion]) -> ChainVersions:
        """Return what a level's view was made of when the levels in `written` were at these versions."""
        now = self.now(level)
        points = zip(names.chain(level), now.versions, now.fingerprint, strict=True)
        were = [written.get(step, LevelVersion(seq, digest)) for step, seq, digest in points]
        return ChainVersions(level, tuple(was.seq for was in were), tuple(was.digest for was in were))

    async def differing(self, changes: list[ViewChange]) -> list[Difference]:
        """Tell of each view in what it reads otherwise than before. EVERYTHING where that cannot be said.

        Raises:
            Locked: one of them, or the vault
            KeyholderGone: nobody could be asked
        """
        try:
            return await self._ask(changes)
        except (Locked, KeyholderGone):
            raise
        except EnvFSError:
            if len(changes) == 1:
                return [EVERYTHING]
        return [(await self.differing([change]))[0] for change in changes]

    async def _ask(self, changes: list[ViewChange]) -> list[Difference]:
        sides = [side.wanted() for change in changes for side in change]
        async with self._keyholder.turn():
            return await self._ask_about(sides)

    async def _ask_about(self, sides: list[list[tuple[str, int]]]) -> list[Difference]:
        gathered = self._vault.layers(sorted({place for side in sides for place in side}))
        number = {(layer.level, layer.record.seq): at for at, layer in enumerate(gathered.layers)}
        ends = [tuple(number[place] for place in side) for side in sides]
        pairs = tuple(Pair(*pair) for pair in zip(ends[::2], ends[1::2], strict=True))
        answer = await self._keyholder.ask(CompareViews(gathered.layers, pairs), Differing, gathered.blobs)
        return list(answer.message.pairs)
