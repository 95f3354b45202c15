"""This machine's access log, sent to the auditors of a shared vault in batches.

Laws: nobody waits for it, and no read is slower for it. The batches themselves say how far it was sent, so a
machine that was away goes on where it was. At most so many batches are sent at once, however much was logged.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import trio

from envfs.core import log_batches, record
from envfs.core.audit_settings import AuditSettings
from envfs.core.log_batches import Condenser, SharedEntries
from envfs.core.shared_logs import audit_stream
from envfs.courier.engine import Engine
from envfs.errors import EnvFSError, KeyholderGone, Locked, StoreUnavailable
from envfs.gate.audit_log import log_reading
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.log_files import LogEnd
from envfs.gate.keyholder import Keyholder
from envfs.host import clocks
from envfs.protocol.answers import OwnKeys, Stated
from envfs.protocol.keyholding import OwnDevice, SealLogBatch
from envfs.vault.vault import Vault

_AT_ONCE = 8  # batches
_MANY = 50_000  # entries do not wait for the time of the next batch
_LINES_AT_ONCE = 256
_SECONDS = 30.0  # for all batches that are sent at once
_DAY_SECONDS = 86_400  # a machine that has nothing to say says that once a day
_RETRY_SECONDS = 60.0


class _Position(NamedTuple):
    # where the newest batch of this log ends, and when it was sent
    end: LogEnd
    time: str


class LogSender:
    """Sends the log of one daemon. `alarms` counts reads of canaries: each has the next batch sent at once."""

    def __init__(
        self,
        vault: Vault,
        keyholder: Keyholder,
        ledger: Ledger,
        settings: Callable[[], AuditSettings],
        alarms: Callable[[], int] = lambda: 0,
    ) -> None:
        """Send what `ledger` has of the log."""
        self._vault, self._keyholder, self._ledger = vault, keyholder, ledger
        self._settings, self._alarms = settings, alarms
        self._stream = ""
        self._sent: _Position | None = None
        self._alarms_sent = 0
        self._next = 0.0
        self._is_asked = False
        self._tried = trio.Event()
        self.problem = ""

    async def send_now(self, wake: Callable[[], object], seconds: float) -> bool:
        """Have all sent that waits, and wait a moment for it. `wake` has a pass made. Tells whether it was done."""
        self._is_asked, self._tried = True, trio.Event()
        wake()
        with trio.move_on_after(seconds) as scope:
            await self._tried.wait()
        return not scope.cancelled_caught and not self.problem

    async def send(self, engine: Engine) -> None:
        """Give an engine what it lacks of the log, if it is time.

        Raises:
            StoreUnavailable: the engine is away
        """
        settings = self._settings()
        if not settings.share or self._ledger.log.problem:
            return
        try:
            with trio.move_on_after(_SECONDS):
                if await self._is_due(settings):
                    await self._send(engine, settings)
                    self._next = time.monotonic() + settings.share_seconds
        except (Locked, KeyholderGone):
            self.problem = "it is sent once the vault is unlocked"
            return  # soon again
        except StoreUnavailable as error:
            self.problem = error.text
            raise
        except EnvFSError as error:
            self.problem = error.text
            self._next = time.monotonic() + _RETRY_SECONDS
        finally:
            self._tried.set()

    async def position(self) -> tuple[str, int, str]:
        """Return this machine's stream, the newest entry of this log that was sent, and when. Empty without a key."""
        await self._follow_key()
        sent = await self._position()
        return self._stream, sent.end.seq, sent.time

    async def _is_due(self, settings: AuditSettings) -> bool:
        if self._sent is None:
            sent = await self._position()
            age = _seconds_since(sent.time)
            self._next = time.monotonic() + max(0.0, settings.share_seconds - age if age >= 0 else 0.0)
        waiting = self._ledger.log.tip.seq - (self._sent.end.seq if self._sent else 0)
        is_urgent = self._is_asked or self._alarms() != self._alarms_sent or waiting >= _MANY
        return is_urgent or time.monotonic() >= self._next

    async def _send(self, engine: Engine, settings: AuditSettings) -> None:
        self._alarms_sent, is_asked, self._is_asked = self._alarms(), self._is_asked, False
        await self._ledger.sign(self._keyholder)  # all of it is on the disk then
        if not self._ledger.begin:
            return
        self.problem = ""
        await self._follow_key()
        for _ in range(_AT_ONCE):
            sent = self._sent = await self._position()
            batch = Condenser()
            end = await self._gather(sent.end, batch)
            is_alive = is_asked or _seconds_since(sent.time) >= _DAY_SECONDS or not sent.time
            if not batch.count and not is_alive:
                return
            entries = SharedEntries(os.uname().nodename, settings.share_seconds, batch.bodies())
            await self._put(engine, (batch.first or end.seq + 1, end), entries)
            if not batch.is_full:
                return

    async def _gather(self, start: LogEnd, batch: Condenser) -> LogEnd:
        # some at a time: reading the log holds up nobody for longer
        log = self._ledger.log
        entries = log_reading.entries_after(log.path, start, log.tip.seq)
        end = start

        def take() -> bool:
            nonlocal end
            some = list(islice(entries, _LINES_AT_ONCE))
            for end, body in some:  # noqa: B007 - the last one is kept
                batch.take(body)
            return bool(some) and not batch.is_full

        while await trio.to_thread.run_sync(take):
            await trio.lowlevel.checkpoint()
        return end

    async def _put(self, engine: Engine, span: tuple[int, LogEnd], entries: SharedEntries) -> None:
        blobs = [log_batches.pack_entries(entries)]
        members = self._vault.add_members(blobs)
        if members is None:
            return  # there is nobody else
        first, end = span
        place = self._vault.next_place(self._stream)
        facts = (self._ledger.begin, first, end.seq, end.digest, end.size)
        request = SealLogBatch(place, clocks.wall_time(), *facts, members)
        data = (await self._keyholder.ask(request, Stated, blobs)).blobs[0]
        key = record.record_key(self._stream, place.seq)
        if not await engine.put_new(key, data) and (await engine.get((key,))).get(key) != data:
            raise EnvFSError("another machine writes the log of this device", "a device is one machine's alone")
        self._vault.append_checkpoint(self._stream, place.seq, data)
        self._sent = _Position(end, request.time)

    async def _position(self) -> _Position:
        if self._sent is not None:
            return self._sent
        await self._follow_key()
        return await trio.to_thread.run_sync(self._newest)

    async def _follow_key(self) -> None:
        # a device that was given a new key has a new log under it, from the beginning
        own = (await self._keyholder.ask(OwnDevice(), OwnKeys)).message.author
        stream = audit_stream(self._vault.description.id, own)
        if stream != self._stream:
            self._stream, self._sent = stream, None

    def _newest(self) -> _Position:
        for seq in range(self._vault.last(self._stream), 0, -1):
            batch = log_batches.parse_batch(self._vault.read(self._stream, seq) or b"")
            claim = batch.claim
            if claim.begin == self._ledger.begin:
                return _Position(LogEnd(claim.last, claim.tip, claim.offset), batch.statement.header.time)
        return _Position(LogEnd(), "")


def _seconds_since(time: str) -> float:
    if not time:
        return float("inf")
    return (datetime.fromisoformat(clocks.wall_time()) - datetime.fromisoformat(time)).total_seconds()
