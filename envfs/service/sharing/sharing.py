"""The sharing of one vault: a connection to its engine that is kept, and what happens over it.

Laws: a read never comes here. A writer waits for the engine for a bounded time, and not at all while it is known to be
away. An engine is believed about the places of its own records alone. Without an engine nothing happens.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import trio

from envfs.core.secret import Secret
from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import Conflict, EnvFSError, KeyholderGone, Locked, NotApproved, StoreUnavailable
from envfs.gate.keyholder import Keyholder
from envfs.host import clocks
from envfs.host.supervision import supervised_nursery
from envfs.service.sharing.aside import LinesAside
from envfs.service.sharing.erasing import Erasing
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.late_loading import LateParts, running_courier
from envfs.service.sharing.listening import PartWatch
from envfs.service.sharing.offering import offer_record
from envfs.service.sharing.outbox import Outbox
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.planning import is_held_up
from envfs.service.sharing.problems import REJOIN, sharing_problems
from envfs.service.sharing.vault_user import Accept, VaultUser
from envfs.service.sharing.waiting import Settled, WaitingVersion
from envfs.store import BulkStore
from envfs.vault.vault import Vault

if TYPE_CHECKING:
    from envfs.service.sharing.parts import SharingParts
    from envfs.service.sharing.rejoining import Rejoined

Connect = Callable[[Secret[str]], AbstractAsyncContextManager[Engine]]
_PATIENCE = 3.0  # of a writer, for the engine
_LOOK_SECONDS = 5.0  # at settings without an engine
_POLL_SECONDS = 60.0  # hints wake it before that
_UNLOCK_SECONDS = 1.0  # a look whether the vault was unlocked
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # before an engine that is away is asked again


class VaultSharing:
    """The sharing of the vault below `mirror`. `joined` once the vault is open."""

    def __init__(
        self, mirror: BulkStore, outbox: Path, aside: Path, facts: SharingFacts, address: Callable[[], str]
    ) -> None:
        """Ask `address` for the engine's, each time. `aside` is the folder for lines that are set aside."""
        self.store = SharedStore(mirror, Outbox(outbox), lambda: bool(self.address()))
        self.aside = LinesAside(aside)
        self.facts = facts
        self.erasing = Erasing(mirror, facts)
        self._address = address
        self._last_address = ""
        self._engine: Engine | None = None
        self._late = LateParts(self.store, self.aside, facts)
        self._hints: set[str] = {EVERYTHING}
        self._come, self._changed = trio.Event(), trio.Event()
        self.connect: Connect = running_courier
        self.on_change: Callable[[], None] = lambda: None
        self.after_pass: Callable[[Engine], Awaitable[None]] | None = None
        self.lasts = True  # a daemon for one command connects when something needs it
        self._is_needed = False
        self._watch = PartWatch(self.wake)
        self._looks = 0  # in a row at what cannot be checked while the vault is locked
        self._is_slow = False  # it let a writer wait in vain, and was not heard of since
        self._unlocks = self._heard = 0  # times that a key came, and those that a pass was begun after
        self.runs = True  # a daemon that only looks has no contact
        self.must_arrive = False  # what is written may not wait, as this home goes away

    def address(self) -> str:
        """Return the address of the engine, or the empty string. As before, while the settings cannot be read."""
        with suppress(EnvFSError):
            self._last_address = self._address()
        return self._last_address

    @property
    def late(self) -> str:
        """Return why changes of other machines come late, as far as the engine said. Empty while they do not."""
        return self._engine.late if self._engine is not None else ""

    def problems(self) -> tuple[str, ...]:
        """Say in sentences what keeps machines from having the same vault."""
        engine = self.address()
        return tuple(sharing_problems(self.facts, self.store.outbox, engine, clocks.wall_time())) if engine else ()

    def join(self, vault: Vault, keyholder: Keyholder, user: VaultUser) -> None:
        """Share a vault that was opened, for `user`."""
        vault.memory.is_waiting, vault.memory.is_stored = self.store.is_waiting, self.store.is_stored
        self._late.join(vault, keyholder, user)

    @property
    def _parts(self) -> "SharingParts | None":
        return self._late.get()

    def wake(self, hint: str = EVERYTHING) -> None:
        """Have a pass soon."""
        self._hints.add(hint)
        self._come.set()
        self.on_change()

    def unlocked(self) -> None:
        """Look at what could not be checked, as a key is here now."""
        self._looks, self._unlocks = 0, self._unlocks + 1
        self.wake()

    async def settle(self, stream: str, data: bytes, *, takes_turns: bool) -> Settled:
        """Give the engine a version that was just put into the outbox, and wait for that a moment.

        With `takes_turns` a version whose number is taken is taken back, to be made again. Else it waits to be merged.

        Raises:
            NotApproved: the engine takes nothing from this machine. The version was taken back
        """
        waiting = next((one for one in self.store.outbox.of(stream) if one.data == data), None)
        if waiting is None or (parts := self._parts) is None:
            return Settled.STORED
        parts.passes.in_flight.add(waiting.number)
        try:
            with trio.move_on_after(_PATIENCE):
                return await self._settle(parts, waiting, takes_turns=takes_turns)
            self._is_slow = True
        except NotApproved:
            parts.mirror.withdraw(waiting)
            raise
        except StoreUnavailable as error:
            self.facts.problem = self.facts.problem or error.text
        finally:
            parts.passes.in_flight.discard(waiting.number)
        self.wake(stream)
        return Settled.WAITING

    async def wait_sent(self, stream: str) -> None:
        """Wait a moment until the engine has what waits of a stream, so that writers are no faster than the merges.

        Otherwise a busy machine would have more and more that others see late. Not while the engine is away.
        """
        numbers = {waiting.number for waiting in self.store.outbox.of(stream)}
        with trio.move_on_after(_PATIENCE):
            while numbers & {waiting.number for waiting in self._unsent(stream)}:
                if self._engine is None or self._is_slow or self.facts.waits_for_unlock:
                    return
                await self._changed.wait()

    def _unsent(self, stream: str) -> list[WaitingVersion]:
        stays = is_held_up(stream, self.facts.forked)
        return [one for one in self.store.outbox.of(stream) if not stays and one.number not in self.facts.unmerged]

    async def _settle(self, parts: "SharingParts", waiting: WaitingVersion, *, takes_turns: bool) -> Settled:
        engine = await self._reachable()
        stays = is_held_up(waiting.stream, self.facts.forked)  # then it follows on nothing that the engine has
        if engine is None or stays or len(self.store.outbox.of(waiting.stream)) > 1:
            self.wake(waiting.stream)
            return Settled.WAITING  # those before it come first
        came = await parts.passes.in_its_place(engine, waiting)
        if came is not None and not came:
            parts.mirror.confirm(waiting)
            return Settled.STORED
        if came is None or not takes_turns:
            self.wake(waiting.stream)
            return Settled.WAITING
        parts.mirror.withdraw(waiting)
        with trio.CancelScope(shield=True), trio.move_on_after(_PATIENCE):
            for taken in await parts.passes.take_stream(engine, waiting, came):
                parts.tell(taken)
        return Settled.TAKEN

    async def offer(self, key: str, data: bytes) -> bool:
        """Give the engine a record that must not wait: a key, a tombstone, an author. False if its number is taken.

        Raises:
            StoreUnavailable: the engine is away
            Conflict: it has other records of that stream
        """

        async def reachable() -> Engine | None:
            engine = await self._reachable()
            if is_held_up(key.rpartition("/")[0], self.facts.forked):
                raise Conflict("the engine has other records in the place of the ones before this", REJOIN)
            return engine

        if not self.address() or await offer_record(reachable, key, data):
            return True
        self.wake()
        return False

    async def hear(self) -> bool:
        """Wait a moment for a first pass, or the first since a key came. False: it was made before, or is not soon."""
        if not self.runs or not self.address() or self._parts is None or not self._is_to_come():
            return False
        with trio.move_on_after(_PATIENCE):
            while self._is_to_come():
                await self.changed()
        return not self._is_to_come()

    def _is_to_come(self) -> bool:
        return not self.facts.problem and (self._engine is None or self._heard < self._unlocks)

    @asynccontextmanager
    async def taking_nothing(self) -> AsyncGenerator[None, None]:
        """Take no record from the engine in the block. Begin when it is known whether the engine is away, or soon."""
        parts = self._parts
        if not self.address() or parts is None:
            yield
            return
        with trio.move_on_after(_PATIENCE):
            await self._reachable()
        async with parts.passes.taking:
            yield

    async def never_counts(self, stream: str, seq: int) -> bytes:
        """Return the record that the engine has in a place, if its author had no right to it, and cannot get it back.

        Raises:
            StoreUnavailable: the engine is away
        """
        parts = self._parts
        with trio.move_on_after(_PATIENCE):
            engine = await self._reachable()
            if engine is not None and parts is not None:
                return await parts.passes.never_counts(engine, stream, seq)
        return b""

    async def rejoin(self, accept: Accept) -> "list[Rejoined]":
        """Follow the engine again in all streams that are forked.

        Raises:
            StoreUnavailable: the engine is away
            Conflict: nothing is forked, or the engine's records are refused
        """
        parts = self._parts
        with trio.move_on_after(_PATIENCE):
            await self._reachable()
        if parts is None or self._engine is None:
            raise StoreUnavailable("the engine that machines share is away", "`envfs sync status` says why")
        if not self.facts.forked:
            raise Conflict("the engine has the same records as this machine", "`envfs sync status` says how it is")
        try:
            return await parts.rejoining.rejoin(self._engine, self.facts.forked, accept)
        finally:
            parts.passes.is_new = True
            self.wake()

    async def _reachable(self) -> Engine | None:
        # whether it is away is not known until it was tried
        while self._engine is None and not self.facts.problem:
            await self.changed()
        return self._engine

    async def changed(self) -> None:
        """Have a pass soon, and wait until the engine was reached or lost, or what waited was merged."""
        self._is_needed = True
        self._come.set()
        await self._changed.wait()

    async def run(self) -> NoReturn:
        """Keep in contact with the engine, for ever."""
        pause = _PAUSE
        while True:
            address = self.address()
            if not address or self._parts is None or not (self.lasts or self._is_needed):
                await self._woken(_LOOK_SECONDS)
                continue
            begun = trio.current_time()
            try:
                await self._serve(address)
            except EnvFSError as error:
                self._lost(error)
            else:
                continue  # the settings name another engine, or none
            pause = _PAUSE if trio.current_time() - begun > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
            await self._woken(pause)

    def _lost(self, failure: EnvFSError) -> None:
        self._engine, self.facts.connected, self.facts.problem = None, False, failure.text
        self.facts.failure = failure
        self._tell_changed()

    def _reached(self, engine: Engine) -> None:
        # only now may a writer go ahead: the engine has what comes before that
        self._engine, self.facts.problem, self.facts.connected = engine, "", True
        self._is_slow = False
        self._tell_changed()

    def _tell_changed(self) -> None:
        self.on_change()
        self._changed.set()
        self._changed = trio.Event()

    async def _serve(self, address: str) -> None:
        self._hints.add(EVERYTHING)
        async with self.connect(Secret(address)) as engine, supervised_nursery() as tasks:
            if self._parts is not None:
                self._parts.passes.is_new = True
            try:
                await self._divide()
                tasks.run(self._watch.listen, engine)
                tasks.run(self.erasing.run, engine, address)
                while self.address() == address:
                    unlocks = self._unlocks
                    await self._pass(engine, address)
                    self._heard = unlocks
                    self._reached(engine)
                    if self.after_pass:
                        await self.after_pass(engine)
                    await self._woken(self._interval())
            finally:
                self._engine, self.facts.connected = None, False
            tasks.cancel()

    async def _divide(self) -> bool:
        return self._parts is not None and self._watch.follow(await self._parts.passes.divide())

    async def _pass(self, engine: Engine, address: str) -> None:
        parts, hints = self._parts, frozenset(self._hints)
        if parts is None:
            return
        self._hints.clear()
        try:
            came = await parts.passes.run(engine, address, hints)
            for taken in came:
                parts.tell(taken)
            self.erasing.look(hints, came)
            if await self._divide():  # it was let into more: that is here before a reader or a writer goes ahead
                await self._pass(engine, address)
                return
            if self.facts.waits_for_unlock:
                self._hints |= hints  # what could not be checked yet is asked for again
            await parts.merging.run(engine, self._tell_changed)
        except (Locked, KeyholderGone):
            self.facts.waits_for_unlock = True
            self._hints |= hints
        except BaseException:
            self._hints |= hints
            raise

    def _interval(self) -> float:
        # what unlocks tells it. A key may come some other way too, so a look now and then
        self._looks = self._looks + 1 if self.facts.waits_for_unlock else 0
        return min(_UNLOCK_SECONDS * 2.0**self._looks, _POLL_SECONDS) if self._looks else _POLL_SECONDS

    async def _woken(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._come.wait()
        self._come = trio.Event()
