"""The merges of versions that waited and whose numbers were taken: made one after the other, and sent in a row.

Law: a version that cannot be merged stays where it is, and is told of.
"""

from collections.abc import Awaitable, Callable

from envfs.courier.engine import Engine
from envfs.errors import EnvFSError, KeyholderGone, Locked
from envfs.service.sharing.catching_up import CatchingUp
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.vault_user import Taken
from envfs.service.sharing.waiting import WaitingVersion

_MERGED_AT_ONCE = 32  # versions that waited, of one stream


class Merging:
    """The merges of one vault. `tell` is told of texts that came, `rebase` merges a version."""

    def __init__(
        self,
        passes: CatchingUp,
        facts: SharingFacts,
        tell: Callable[[Taken], None],
        rebase: Callable[[WaitingVersion], Awaitable[object]],
    ) -> None:
        """Merge what `passes` finds to be stale."""
        self._passes = passes
        self._facts = facts
        self._tell = tell
        self._rebase = rebase

    async def run(self, engine: Engine, changed: Callable[[], None]) -> None:
        """Merge and send all that waits and can be merged. `changed` is called after each row.

        Several of one stream are sent in a row. The more of them were taken, the more at once.

        Raises:
            Locked: the vault is locked
            StoreUnavailable: the engine cannot be reached
        """
        passes, most = self._passes, 1
        self._facts.unmerged = {}
        while stale := self._mergeable():
            stream = stale[0].stream
            for waiting in [one for one in stale if one.stream == stream][:most]:
                if waiting in passes.stale():
                    await self._merge(waiting)
            lost = await passes.push_stream(engine, stream)
            most = max(1, most // 2) if lost else min(2 * most, _MERGED_AT_ONCE)
            for taken in lost:
                self._tell(taken)
            changed()

    def _mergeable(self) -> list[WaitingVersion]:
        return [waiting for waiting in self._passes.stale() if waiting.number not in self._facts.unmerged]

    async def _merge(self, waiting: WaitingVersion) -> None:
        try:
            await self._rebase(waiting)
        except (Locked, KeyholderGone):
            raise
        except EnvFSError as error:  # it stays, and is told of
            self._facts.unmerged[waiting.number] = error.text
