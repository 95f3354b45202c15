"""Records that came from an engine, checked as if they had been found on the street, before they are put anywhere.

Laws: a record counts only behind those before it, and only once the keyholder has opened it or checked its signature.
Of a stream with a record that is refused, nothing behind that is taken.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.addresses import RecordAddress, SealedLayer
from envfs.core.membership.folding import fold_entries
from envfs.core.membership.members import NO_RIGHT, Members
from envfs.core.shared_logs import audit_stream, is_audit_stream
from envfs.errors import EnvFSError, KeyholderGone, Locked
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.protocol.answers import Faults, OwnKeys
from envfs.protocol.keyholding import (
    CheckKeys,
    CheckLogBatches,
    CheckMembers,
    CheckRecords,
    CheckTombstones,
    OwnDevice,
    SealedKeyFile,
)
from envfs.service.sharing.partition import EVERYTHING_THERE, Partition, partition_of
from envfs.service.sharing.planning import RecordRange
from envfs.vault.vault import Vault


class Arrived(NamedTuple):
    """A record that came: where it must say that it stands, and its bytes."""

    place: RecordAddress
    data: bytes


class CheckedRecords(NamedTuple):
    """The records of one stream that may be taken, and why the next one may not: empty if it is well or not there.

    With `locked` nobody could look yet.
    """

    stream: str
    records: tuple[Arrived, ...]
    fault: str = ""
    locked: bool = False


class Checker:
    """Checks for one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Check against `vault`, by `keyholder`."""
        self._vault = vault
        self._keyholder = keyholder

    async def check(
        self, batch: tuple[RecordRange, ...], came: Mapping[str, bytes], lasts: Mapping[str, int]
    ) -> list[CheckedRecords]:
        """Check a batch, whose streams are of one kind. `lasts` are the newest numbers that the engine has of them."""
        lined_up = [await self._line_up(span, came, lasts[span.stream]) for span in batch]
        lined_up = [self._bound_keys(row, lasts[row.stream]) for row in lined_up]
        by_project: dict[str, list[CheckedRecords]] = {}
        for row in lined_up:
            by_project.setdefault(_project(row.stream), []).append(row)
        return [row for rows in by_project.values() for row in await self._judge(rows)]

    async def partition(self, known: str) -> tuple[Partition, str]:
        """Return the part of the vault that this machine may open, and its key. `known` is that, as far as it was told.

        While the vault is locked nobody else can say which member this is.
        """
        members = self._members()
        if members is None or not members.now.shared:
            return EVERYTHING_THERE, known
        with suppress(Locked, KeyholderGone):
            known = (await self._keyholder.ask(OwnDevice(), OwnKeys)).message.author
        own = audit_stream(self._vault.description.id, known)
        return partition_of(members.now.by_author(known), own), known

    async def _line_up(self, span: RecordRange, came: Mapping[str, bytes], newest: int) -> CheckedRecords:
        # each follows from the one before, by what it says itself
        stream, records, fault = span.stream, list[Arrived](), ""
        place = self._vault.place(stream, span.first)
        named: Mapping[int, str] | None = None
        for seq, key in enumerate(span.record_keys(), span.first):
            data = came.get(key)
            if data is None:
                break
            if not data and named is None:
                named = await self._named(stream)
            fault = _fault_of(place, data, named or {}, is_newest=seq == newest)
            if fault:
                break
            records.append(Arrived(place, data))
            forgotten = (named or {}).get(seq) or record.FORGOTTEN
            place = place._replace(seq=seq + 1, prev=record.digest(data) if data else forgotten)
        return CheckedRecords(stream, tuple(records), fault)

    def _bound_keys(self, row: CheckedRecords, newest: int) -> CheckedRecords:
        # the list of members names a later key file: what is here may be a former administrator's word alone
        members = self._members() if record.is_key_stream(row.stream) else None
        last = members.named_last(row.stream) if members else 0
        if not row.records or newest >= last:
            return row
        fault = f"the engine has {newest} records of {row.stream}, and the list of members names record {last}"
        return row._replace(records=(), fault=fault)

    def _members(self) -> Members | None:
        records: list[bytes] = []
        if self._vault.add_members(records) is None:
            return None
        return fold_entries(self._vault.description.signing_key, records)

    async def _named(self, stream: str) -> Mapping[int, str]:
        if record.is_level_stream(stream):
            return await checked_tombstones(self._vault, self._keyholder, stream)
        return {}

    async def _judge(self, rows: list[CheckedRecords]) -> list[CheckedRecords]:
        arrived = [one for row in rows for one in row.records if one.data]
        try:
            faults = await self._ask(rows[0].stream, arrived) if arrived else ()
        except (Locked, KeyholderGone):
            return [row._replace(records=(), locked=True) for row in rows]
        except EnvFSError as error:
            if len(rows) == 1:
                return [rows[0]._replace(records=(), fault=error.text)]
            return [judged for row in rows for judged in await self._judge([row])]
        wrong = {one.place: fault for one, fault in zip(arrived, faults, strict=True) if fault}
        return [_cut(row, wrong) for row in rows]

    async def _ask(self, stream: str, arrived: list[Arrived]) -> tuple[str, ...]:
        places, blobs = tuple(one.place for one in arrived), [one.data for one in arrived]
        if stream == record.MEMBERS:
            before = [self._vault.read(stream, seq) or b"" for seq in range(1, arrived[0].place.seq)]
            about = self._vault.description
            faults = await self._faults(CheckMembers(about.id, about.signing_key), [*before, *blobs])
            return faults[len(before) :]
        if record.is_key_stream(stream):
            members = self._vault.add_members(blobs)
            faults = await self._faults(CheckKeys(tuple(map(SealedKeyFile, places)), members), blobs)
            return _without_earlier(faults)
        if record.forgotten_stream(stream):
            members = self._vault.add_members(blobs)
            return await self._faults(CheckTombstones(places, members), blobs)
        if is_audit_stream(stream):
            members = self._vault.add_members(blobs)
            return await self._faults(CheckLogBatches(places, members), blobs)
        faults = await self._faults(CheckRecords(self._layers(places, blobs)), blobs)
        return tuple(
            "" if fault.startswith(NO_RIGHT) and self.passes_over(one.data) else fault
            for one, fault in zip(arrived, faults, strict=True)
        )

    def passes_over(self, data: bytes) -> bool:
        """Tell whether a record is of a former member, who signed it: it keeps its number here as it does there."""
        members = self._members()
        return members is not None and members.passes_over(data)

    async def _faults(self, request: NamedTuple, blobs: list[bytes]) -> tuple[str, ...]:
        return (await self._keyholder.ask(request, Faults, tuple(blobs))).message.texts

    def _layers(self, places: tuple[RecordAddress, ...], blobs: list[bytes]) -> tuple[SealedLayer, ...]:
        # of one project: its newest key has those before it
        project = names.project(_level(places[0].stream))
        head = self._vault.key_head(project)
        if head is None:
            raise Locked(f"the key of project {project} did not come", "", project)
        count, key = len(blobs), self._vault.place(record.key_stream(project), head.seq)
        blobs.append(head.data)
        members = self._vault.add_members(blobs)
        return tuple(
            SealedLayer(_level(place.stream), place, number, key, count, members) for number, place in enumerate(places)
        )


def _without_earlier(faults: tuple[str, ...]) -> tuple[str, ...]:
    # one of before this member was there, of a former administrator, or rubbish, is bound by the digest in a later key
    # file, which opens: no key is taken from any but the newest
    opened = max((number for number, fault in enumerate(faults) if not fault), default=-1)
    return tuple("" if at < opened else fault for at, fault in enumerate(faults))


def _fault_of(place: RecordAddress, data: bytes, named: Mapping[int, str], *, is_newest: bool) -> str:
    where = f"record {place.seq} of {place.stream}"
    if not data:
        is_forgotten = (
            place.seq in named if record.is_level_stream(place.stream) else record.is_key_stream(place.stream)
        )
        return "" if is_forgotten and not is_newest else f"{where} is empty, and no tombstone names it"
    if not record.is_level_stream(place.stream):
        return ""  # the keyholder compares what stands inside
    try:
        header = record.parse_header(data)
    except EnvFSError as error:
        return f"{where}: {error.text}"
    if header[1:5] == place[:4] or (header[1:4] == place[:3] and place.prev == record.FORGOTTEN):
        return ""
    return f"{where} does not follow from the one before"


def _cut(row: CheckedRecords, wrong: Mapping[RecordAddress, str]) -> CheckedRecords:
    for number, one in enumerate(row.records):
        if one.place in wrong:
            return row._replace(records=row.records[:number], fault=wrong[one.place])
    return row


def _level(stream: str) -> str:
    return stream.removeprefix("level") or names.ROOT


def _project(stream: str) -> str:
    # of a stream of keys or texts. Others are checked together
    if record.is_level_stream(stream):
        return names.project(_level(stream))
    return stream if record.is_key_stream(stream) else ""
