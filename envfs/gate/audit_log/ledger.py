"""The log, the vault's checkpoints, this machine's marks and its witnesses, each held against the others.

Laws: a checkpoint is signed only over a log that follows from the one before, and only into a vault that is not
older than what is remembered; what is remembered of a stream never falls but by a person's `envfs accept`. Removing or
putting back some of the four is noticed here. All four together cannot be noticed from inside (docs/threat-model.md).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import trio

from envfs.core import audit, checkpoint, events, record
from envfs.core.access.caller import Caller
from envfs.core.addresses import RecordAddress
from envfs.core.audit import Tip
from envfs.core.checkpoint import Claim, StoredCheckpoint, StreamHead
from envfs.core.events import EventKind
from envfs.errors import AuditUnavailable, AuthenticationFailed, EnvFSError, Locked, LogBroken, StoreUnavailable
from envfs.gate.audit_log import chain_verification, log_end, log_reading, remembered
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.log_files import LogEnd
from envfs.gate.audit_log.log_opening import SignedEntry
from envfs.gate.audit_log.marks import Marks
from envfs.gate.audit_log.recorder import KILLED, is_broken_off, say_broken_off
from envfs.gate.audit_log.remembered import Stored, parse_witness, read_former, read_stored, render_witness, signed_by
from envfs.gate.keyholder import Keyholder
from envfs.host import clocks, journals, machine
from envfs.host.witnesses import Witness
from envfs.protocol.keyholding import CheckCheckpoints, Faults, SignCheckpoint
from envfs.protocol.keyholding import Signed as SignedAnswer
from envfs.vault.high_water import Seen
from envfs.vault.vault import Vault
from envfs.vault.window import KEPT, first_of

T = TypeVar("T")
_RESTATED = KEPT // 2  # the heads are said again before the checkpoint that has them is removed
_MOST_HEADS = 10_000  # more would not fit into a record


class Ledger:
    """The log at `path` and all that vouches for it.

    `behind` says why the vault's checkpoints are older than, or other than, what is remembered. Empty if they are not.
    Of the levels in `forgetting` versions are being forgotten, or were when a daemon was killed. Meanwhile nothing is
    signed, so the log shows these behind what is signed of it.
    """

    def __init__(self, path: Path, vault: Vault | None, witness: Path, open_log: type[AccessLog] = AccessLog) -> None:
        """Open the log, and hold it against what the vault and this machine remember of it."""
        self._vault: Vault | None = None
        self.stream = "log"
        self._witness_path, self._path = witness, path
        self.behind = ""
        self.mended: tuple[str, ...] = ()
        self._marks = Marks()
        self._accepted = False
        self._signing = trio.Lock()
        self._reading = trio.Lock()
        self._stored = self._own = Stored()  # what vouched for the log when it was opened, and its own stream's newest
        self._begin = ""
        self._witnesses: tuple[SignedEntry, ...] = ()
        self._join(vault)
        self.log = open_log(path, self._newest(), self._marks.take)
        self._opened_at = self.log.tip
        self.forgetting = self._marks.forgetting
        self._settle()
        self._settle_last_change()

    def _join(self, vault: Vault | None) -> None:
        if vault is None:
            return
        self._vault = vault
        self.stream = record.log_stream(machine.machine_name(), os.path.abspath(self._path), vault.description.id)
        self._witness = Witness(self._witness_path, f"{vault.description.id} {self._path}")
        lines = self._witness.lines()
        self._witnesses = tuple(signed for place, line in lines if (signed := parse_witness(place, line)))
        self._own, self.behind = read_stored(vault, self.stream)
        self._stored = self._own
        if not self.behind and self._names_more():
            self._stored, self.behind = read_former(vault, self._path, self._own)

    def _names_more(self) -> bool:
        # a home that was moved or copied, or a machine that was renamed, goes on from the stream that it had before
        named = [witness.record for witness in self._witnesses]
        with suppress(EnvFSError):
            named.append((log_end.read_log_end(self._path) or LogEnd()).record)
        return not self._own.last or max(named, default=0) > self._own.last

    def join(self, vault: Vault) -> None:
        """Take in a vault that was made after the log was opened."""
        if self._vault is None:
            self._join(vault)
            self._settle_last_change()

    def _newest(self) -> SignedEntry | None:
        every = [*self._witnesses, *([signed_by(self._stored)] if self._stored.point else [])]
        return max(every, key=lambda signed: (signed.stream == self.stream, signed.record), default=None)

    def _settle(self) -> None:
        point, log = self._stored.point, self.log
        newest = self._newest()
        if newest is not None and log.tip.seq == newest.entries + self._marks.ends_signed:
            log.signed_to = log.tip.seq  # with the line of that checkpoint, or with its line missing since a crash
        if point and not log.problem and log_reading.holds_entry(self._path, signed_by(self._stored).end):
            self._begin = point.claim.begin
        if not self.behind and log.record > self._stored.last:
            self.behind = f"the vault is older than checkpoint {log.record}, the access log names"
        for witness in self._witnesses:
            last = self._last(witness.stream)
            if not self.behind and witness.record > last:
                self.behind = f"the vault is older than checkpoint {witness.record}, {witness.place}"
            of_one = witness.stream == self._stored.stream and witness.record == last
            if not self.behind and of_one and point and witness.tip != point.claim.tip:
                self.behind = f"the vault's checkpoint {witness.record} is not the one {witness.place}"

    def _settle_last_change(self) -> None:
        # whoever was killed between an entry and its record left both vault and log as they should be: it is told
        change = self._marks.last
        if change is None or self._vault is None or self.log.only_looks:
            return
        if self.log.problem or self.log.tip != self._opened_at:
            return
        read_at = self._marks.after(()).get(change.stream, Seen(0, ""))
        if is_broken_off(change, self._vault, read_at.seq):
            say_broken_off(change, KILLED, self.log, self._vault)
            return
        with suppress(EnvFSError):  # a level that was removed may still be listed
            self._vault.relist(change.level)

    def _last(self, stream: str) -> int:
        if self._vault is None or stream == self._stored.stream:
            return self._stored.last
        with suppress(EnvFSError):
            return self._vault.last(stream)
        return 0

    @property
    def begin(self) -> str:
        """The hash of the log's first line. Empty before its first checkpoint."""
        return self._begin

    def vouching(self) -> remembered.Vouching:
        """Return the newest checkpoint of this log that is in the vault, and how many witnesses hold it."""
        return remembered.vouching(self._stored, self._witness.lines() if self._vault else ())

    # -- once there is a key -------------------------------------------------------------------------------------------

    async def authenticate(self, keyholder: Keyholder) -> None:
        """Check the newest checkpoint's signature, then raise this machine's marks to what vouches for itself.

        Serves nothing more if the checkpoint is not the owner's.
        """
        vault, point = self._vault, self._stored.point
        if vault is None or (point is None and not self.behind):
            return
        if point is not None:
            place = RecordAddress(vault.description.id, self._stored.stream, point.header.seq, record.FORGOTTEN)
            fault = await checkpoint_faults(keyholder, (place,), (self._stored.data,))
            if fault[0]:
                self.log.break_off(f"checkpoint {point.header.seq} of the access log is not the owner's: {fault[0]}")
                return
        marks = self._marks.after(self._heads())
        if self.behind and not self.log.problem:
            marks = await self.read_whole(self._everything)
        self.mended = vault.raise_marks(marks)
        if self.mended and not self.behind:
            with suppress(AuditUnavailable):
                self.log.append(events.mended(f"marks of {len(self.mended)} streams were written again"), None)

    def _everything(self) -> dict[str, Seen]:
        # the vault is older than the log: the log says what was there
        whole = Marks(with_writes=True)
        with suppress(EnvFSError):
            chain_verification.verify_chain(self._path, (), whole.take)
        return whole.after(self._heads())

    def _heads(self) -> tuple[StreamHead, ...]:
        point, vault = self._stored.point, self._vault
        if point is None or vault is None:
            return ()
        if point.claim.heads_in == point.header.seq:
            return point.claim.heads
        with suppress(EnvFSError):
            return checkpoint.parse_checkpoint(vault.read(self._stored.stream, point.claim.heads_in) or b"").claim.heads
        return ()

    # -- signing -------------------------------------------------------------------------------------------------------

    async def sign(self, keyholder: Keyholder) -> None:
        """Sign where the log ends, if it moved, and put that into the vault, the log and the witnesses."""
        async with self._signing:
            if self.log.problem or self.behind or self.log.tip.seq <= self.log.signed_to or self._vault is None:
                return
            if self.forgetting:
                return
            self.log.write_notes()
            stretch = self.log.stretch()
            problem = await trio.to_thread.run_sync(stretch.problem)
            if problem:
                self.log.break_off(problem)
                return
            await trio.to_thread.run_sync(self.log.sync)
            with suppress(Locked):
                await self._sign(keyholder, self._vault, self._claim(self._vault, stretch.end.tip, stretch.end.size))

    def _claim(self, vault: Vault, tip: Tip, offset: int) -> Claim:
        if not self._begin or self._accepted:
            line = log_reading.first_line(self._path)
            self._begin = audit.tip_after(Tip(), line).digest if line else self._begin or audit.START
        heads = tuple(
            StreamHead(name, *seen) for name, seen in vault.memory.heads() if not name.startswith(("log/", "audit/"))
        )
        if len(heads) > _MOST_HEADS:
            heads = ()
        number, last = self._own.last + 1, self._own.point
        if last and self._stored is self._own and last.claim.heads_in > number - _RESTATED and self._heads() == heads:
            return Claim(self._begin, tip.seq, tip.digest, offset, last.claim.heads_in)
        return Claim(self._begin, tip.seq, tip.digest, offset, number, heads)

    async def _sign(self, keyholder: Keyholder, vault: Vault, claim: Claim) -> None:
        stored, self.behind = read_stored(vault, self.stream)
        if self.behind or stored.last != self._own.last:
            self.behind = self.behind or f"checkpoint {stored.last} of the access log is not the one of this daemon"
            return
        point = stored.point
        accepted = self._accepted or bool(point and point.claim.begin != claim.begin and self._is_restarted())
        place = vault.place(self.stream, stored.last + 1)
        previous_data = () if accepted or point is None else (stored.data,)
        request = SignCheckpoint(place, clocks.wall_time(), accepted)
        try:
            answer = await keyholder.ask(
                request, SignedAnswer, (checkpoint.render_claim(claim).encode(), *previous_data)
            )
        except (LogBroken, AuthenticationFailed) as error:
            self.log.break_off(error.text)
            return
        await self._keep(vault, claim, answer.message.signature, answer.blobs[0])

    async def _keep(self, vault: Vault, claim: Claim, signature: str, data: bytes) -> None:
        number = self._own.last + 1
        try:
            if not vault.append_checkpoint(self.stream, number, data):
                self.behind = f"checkpoint {number} of the access log was written by another process"
                return
        except StoreUnavailable:
            if not _is_stored(vault, self.stream, number, data):
                number = 0  # the log carries its signature all the same
        if number:
            self._stored = self._own = Stored(self.stream, checkpoint.parse_checkpoint(data), data, number)
            self.log.signed_to = claim.entries
        self.log.append_checkpoint(audit.LoggedCheckpoint(claim.entries, claim.tip, signature, number))
        await trio.to_thread.run_sync(self.log.remember)
        if number:
            self._accepted = False
            self._tell(vault, number)
            with suppress(StoreUnavailable):
                await trio.to_thread.run_sync(vault.remove_checkpoints, self.stream, number)

    def _tell(self, vault: Vault, number: int) -> None:
        signed = signed_by(self._stored)
        self.log.signed_is(signed)
        self._witness.put(render_witness(signed))
        journals.tell(
            f"vault {vault.description.id} {self.stream} checkpoint {number}: {signed.entries} entries, {signed.tip}"
        )

    def _is_restarted(self) -> bool:
        line = log_reading.first_line(self._path)
        return bool(line) and audit.parse_log_entry(line, 1).get("event") == EventKind.RESTART

    # -- for `envfs verify` and `envfs log verify` ---------------------------------------------------------------------

    async def read_whole(self, work: Callable[[], T], has_left: Callable[[], bool] = lambda: False) -> T:
        """Do what reads the whole log, which may take a minute, in a thread. One at a time: each takes a processor.

        Raises:
            ConnectionAbortedError: whoever asked has left meanwhile
        """
        async with self._reading:
            if has_left():
                raise ConnectionAbortedError
            return await trio.to_thread.run_sync(work)

    def points(self) -> tuple[StoredCheckpoint, ...]:
        """Return the checkpoints of this machine that are kept and can be read."""
        vault, points = self._vault, []
        for stream, last in {point.stream: point.last for point in (self._own, self._stored)}.items() if vault else ():
            for number in range(first_of(last), last + 1):
                with suppress(EnvFSError):
                    points.append(checkpoint.parse_checkpoint((vault and vault.read(stream, number)) or b""))
        return tuple(points)

    def written(self) -> Marks:
        """Return what the log says of each stream: which version was read or written, and what was interrupted."""
        whole = Marks(with_writes=True)
        with suppress(EnvFSError):
            chain_verification.verify_chain(self._path, (), whole.take)
        return whole

    # -- by a person ---------------------------------------------------------------------------------------------------

    async def rotate(self, caller: Caller) -> str:
        """Keep the log's file and go on in a new one. Returns the kept file's name."""
        async with self._signing:  # which compares the file with what was written into it
            return self.log.rotate(caller)

    async def restart(self, caller: Caller) -> str:
        """Set the log aside and begin a new one; what vouched for the old one asks for it no more.

        The first entry of the new one also says in what the vault was behind, for that is accepted with it.
        """
        async with self._signing:
            aside = self.log.restart(caller, self.behind)
            self.accept()
            return aside

    def accept(self) -> None:
        """Take the vault's checkpoints as they are now."""
        if self._vault is None:
            return
        for stream in {self.stream, *self._vault.memory.streams()}:
            if stream.startswith("log/"):
                self._vault.take_checkpoints(stream)
        self._stored = self._own = read_stored(self._vault, self.stream)[0]
        self.behind, self._accepted, self._begin = "", True, ""
        self.log.record = self._stored.last
        self.log.signed_to = 0
        newest = signed_by(self._stored) if self._stored.point else None
        self._witnesses = ()
        if newest is not None:
            self.log.signed_is(newest)
        self._witness.put(render_witness(newest) if newest else "")


def _is_stored(vault: Vault, stream: str, number: int, data: bytes) -> bool:
    # what failed may have been a step behind it
    with suppress(StoreUnavailable):
        return vault.read(stream, number) == data
    return False


async def checkpoint_faults(
    keyholder: Keyholder, places: tuple[RecordAddress, ...], blobs: tuple[bytes, ...]
) -> tuple[str, ...]:
    """Have the keyholder check checkpoints. Returns what is wrong with each."""
    return (await keyholder.ask(CheckCheckpoints(places), Faults, blobs)).message.texts
