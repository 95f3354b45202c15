"""Looking after the vault: all that is known of it is held against each other, and a refused level can be accepted.

The records are checked by the keyholder. The index, this machine's marks, the log and its
checkpoints are held against them here.
"""

from collections.abc import Iterator
from contextlib import suppress

import trio

from envfs.core import events, names, record
from envfs.core.access.caller import Caller
from envfs.core.addresses import MemberRecords, RecordAddress, SealedLayer
from envfs.core.keyfile import NOT_FOR_US
from envfs.core.shared_logs import is_audit_stream
from envfs.errors import (
    AuthenticationFailed,
    EnvFSError,
    KeyholderGone,
    Locked,
    LogBroken,
    NoVault,
    RolledBack,
    StoreUnavailable,
    UnsupportedFormat,
)
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.marks import Marks
from envfs.protocol.control import Checked, FaultRow
from envfs.protocol.keyholding import (
    CheckCheckpoints,
    CheckKeys,
    CheckLogBatches,
    CheckMembers,
    CheckRecords,
    CheckTombstones,
    Faults,
    SealedKeyFile,
)
from envfs.service.audit.log_verification import LIMITS, Inquiry, begun_again, vouch_for_log
from envfs.service.changes.comparison import NO_TEXT, UNKNOWN, LevelVersion
from envfs.service.levels.forgetting import finish_forgetting
from envfs.service.maintenance import whole_levels
from envfs.service.maintenance.gaps import Gaps, gaps_of
from envfs.service.members.listing import closed_projects
from envfs.service.progress import Progress
from envfs.service.service import Service
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault
from envfs.vault.window import first_of

_CHECKED_AT_ONCE, _CHECKED_BYTES = 64, 2 << 20


async def check_vault(inquiry: Inquiry, *, repair: bool = False) -> Checked:
    """Check every record of every stream, and all that is known of the vault. Report a row for each fault.

    With `repair`, the index and this machine's marks are written again first, where they are damaged.
    """
    vault = inquiry.service.open_vault.vault
    if not inquiry.service.log.only_looks:
        await finish_forgetting(inquiry.service)
    repaired = tuple(f"{key} is written again" for key in (_repair(vault) if repair else ()))
    looked_at, failed, locked = 0, 0, set()
    gone: list[str] = []  # what there is to tell of records without their bytes
    closed = frozenset[names.Project]()
    with suppress(AuthenticationFailed, RolledBack, UnsupportedFormat):  # of the list: it is named below
        closed = await closed_projects(inquiry.service)
    sizes = await trio.to_thread.run_sync(vault.stream_sizes)
    sizes = {stream: size for stream, size in sizes.items() if _project(stream) not in closed}
    progress = Progress(inquiry.report, sum(sizes.values()))
    for group in whole_levels.grouped(sizes, sizes):
        if len(group) > 1 and await whole_levels.are_whole(vault, inquiry.service.keyholder, group, sizes):
            records = sum(sizes[stream] for stream in group)
            looked_at += records
            await progress.advance(records)
            continue
        for stream in group:
            try:
                count, faults = await _verify_stream(inquiry, stream, gone, progress)
            except Locked as error:
                if not error.about:
                    raise
                locked.add(error.about)
                continue
            except StoreUnavailable as error:
                count, faults = 0, [FaultRow(stream, error.text)]
            looked_at, failed = looked_at + count, failed + len(faults)
            for row in faults:
                await inquiry.report(row)
    of_the_log, notes, begun = await _log_faults(inquiry)
    index = await trio.to_thread.run_sync(vault.listed_differences)
    for row in (*_index_faults(vault, index, begun), *_memory_faults(vault), *of_the_log):
        failed += 1
        await inquiry.report(row)
    unchecked = [f"{project} is locked and was not checked" for project in sorted(locked)]
    unchecked += [f"{project} is for other members and was not checked" for project in sorted(closed)]
    return Checked(looked_at, failed, (*unchecked, *repaired, *gone, *notes, *_notes(vault, inquiry.service.ledger)))


def _project(stream: str) -> names.Project | None:
    # of a stream that takes the project's key to be checked
    if record.is_key_stream(stream):
        return record.project_of_stream(stream)
    return names.project(stream.removeprefix("level") or names.ROOT) if record.is_level_stream(stream) else None


def _repair(vault: Vault) -> tuple[str, ...]:
    spoiled = ("seen.jsonl",) if vault.memory.spoiled else ()
    if spoiled:
        vault.memory.rewrite()
    return (*vault.repair_index(), *spoiled)


def _index_faults(
    vault: Vault, differences: tuple[tuple[str, ...], tuple[str, ...]], begun: frozenset[str]
) -> Iterator[FaultRow]:
    # a level is listed before its first record is stored; whoever was killed in between is told of with the log
    missing, idle = differences
    for key in missing:
        if vault.is_of_removed(key):
            continue
        yield FaultRow(key, "the level has records and is not in the index; `envfs verify --repair` writes it again")
    for key in idle:
        if key in begun:
            continue
        yield FaultRow(key, "the index has a level that has no record")


def _memory_faults(vault: Vault) -> Iterator[FaultRow]:
    if vault.memory.spoiled:
        fault_text = f"{vault.memory.spoiled} lines are no marks; `envfs verify --repair` writes it again without them"
        yield FaultRow("seen.jsonl", fault_text)


async def _log_faults(inquiry: Inquiry) -> tuple[list[FaultRow], list[str], frozenset[str]]:
    # the second is what there is to tell of the log besides, the third keys of the index that a kill can have left
    ledger = inquiry.service.ledger
    faults = [FaultRow(ledger.stream, ledger.behind)] if ledger.behind else []
    try:
        vouched = await vouch_for_log(inquiry, ledger)
    except LogBroken as error:
        return [*faults, FaultRow("access.jsonl", error.text)], [], frozenset()
    except (Locked, KeyholderGone):
        raise
    except EnvFSError as error:
        return [*faults, FaultRow("access.jsonl", error.text)], [], frozenset()
    faults += [FaultRow(key, text) for key, text in vouched.faults.items()]
    written = await ledger.read_whole(ledger.written, inquiry.left)
    vault = inquiry.service.open_vault.vault
    faults_named = [f"the access log: {note}" for note in begun_again(vouched)]
    levels = [f"/{stream.partition('/')[2]}" for stream in written.broken_off]
    begun = frozenset(f"tree{step}/@" for level in levels for step in names.chain(level))
    return [*faults, *_unwritten(vault, written)], [*faults_named, *_broken_off(vault, written)], begun


def _unwritten(vault: Vault, written: Marks) -> Iterator[FaultRow]:
    for stream, seen in sorted(written.after(()).items()):
        last = vault.highest(stream)
        if last < seen.seq:
            yield FaultRow(stream, f"the access log names version {seen.seq}, and the newest here is {last}")


def _broken_off(vault: Vault, written: Marks) -> Iterator[str]:
    for stream, version in sorted(written.broken_off.items()):
        if vault.highest(stream) < version:
            yield f"{stream}: version {version} was never stored: the change was interrupted before it took effect"


def _notes(vault: Vault, ledger: Ledger) -> tuple[str, ...]:
    notes = [f"{stream}: this machine's mark was gone or older, and is written again" for stream in ledger.mended]
    if not vault.log_streams():
        notes.append("the vault has no checkpoint yet, so an older vault can look like the newest")
    return (*notes, LIMITS)


async def _verify_stream(
    inquiry: Inquiry, stream: str, notes: list[str], progress: Progress
) -> tuple[int, list[FaultRow]]:
    keeper = inquiry.service.open_vault.vault
    last, strange = await trio.to_thread.run_sync(_extent, keeper, stream)
    faults = [FaultRow(key, "not a record of this stream") for key in strange]
    of_stream = await gaps_of(keeper, inquiry.service.keyholder, stream, last, notes)
    first = begin = first_of(last) if record.is_log_stream(stream) else 1
    while first <= last:
        at = first
        more, first = await _verify_records(inquiry, of_stream, range(first, min(first + _CHECKED_AT_ONCE, last + 1)))
        faults += more
        await progress.advance(first - at)
    of_stream.tell()
    if not faults:
        with_head = _head_fault(inquiry, stream)
        faults += [FaultRow(stream, with_head)] if with_head else []
    return last - begin + 1, faults


def _extent(vault: Vault, stream: str) -> tuple[int, list[str]]:
    # the number of the last record, and the keys of what is none. A stream may have 100,000
    last = max(vault.last(stream), vault.highest(stream))
    expected = {record.record_key(stream, seq) for seq in range(1, last + 1)}
    return last, [key for key in vault.keys_of(stream) if key not in expected]


def _head_fault(inquiry: Inquiry, stream: str) -> str:
    if stream == inquiry.service.ledger.stream:
        return ""  # told once, with the log
    try:
        inquiry.service.open_vault.vault.stream_head(stream)
    except EnvFSError as error:
        return error.text
    return ""


async def _verify_records(inquiry: Inquiry, of_stream: Gaps, numbers: range) -> tuple[list[FaultRow], int]:
    # returns the number that is next, too: as many are checked as are bounded in number and in bytes
    try:
        async with inquiry.service.keyholder.turn():
            records = _gathered(inquiry.service.open_vault.vault, of_stream.stream, numbers)
            return await _verify_gathered(inquiry, of_stream, records), records[-1][0] + 1
    except DAMAGED as error:
        if len(numbers) == 1:
            return [FaultRow(record.record_key(of_stream.stream, numbers[0]), error.text)], numbers.stop
    record_fault = [await _verify_records(inquiry, of_stream, range(number, number + 1)) for number in numbers]
    return [row for rows, _ in record_fault for row in rows], numbers.stop


def _gathered(vault: Vault, stream: str, numbers: range) -> list[tuple[int, bytes | None]]:
    records: list[tuple[int, bytes | None]] = []
    size = 0
    for number in numbers:
        records.append((number, vault.read(stream, number)))
        size += len(records[-1][1] or b"")
        if size > _CHECKED_BYTES:
            break
    return records


async def _verify_gathered(
    inquiry: Inquiry, of_stream: Gaps, records: list[tuple[int, bytes | None]]
) -> list[FaultRow]:
    stream = of_stream.stream
    faults = [FaultRow(record.record_key(stream, seq), "the record is gone") for seq, data in records if data is None]
    present = [(seq, data) for seq, data in records if data]
    wrong = ((seq, of_stream.fault(seq, data)) for seq, data in records if data is not None)
    faults += [FaultRow(record.record_key(stream, seq), text) for seq, text in wrong if text]
    try:
        texts = await _ask_about(inquiry, of_stream, present)
    except (Locked, KeyholderGone):
        raise
    except EnvFSError as error:
        return [*faults, *(FaultRow(record.record_key(stream, seq), error.text) for seq, _ in present)]
    pairs = zip(present, texts, strict=True)
    return [*faults, *(FaultRow(record.record_key(stream, seq), text) for (seq, _), text in pairs if text)]


async def _ask_about(inquiry: Inquiry, of_stream: Gaps, present: list[tuple[int, bytes]]) -> tuple[str, ...]:
    keeper, ask, stream = inquiry.service.open_vault.vault, inquiry.service.keyholder.ask, of_stream.stream
    blobs = tuple(data for _, data in present)
    places = tuple(_place(keeper, of_stream, seq) for seq, _ in present)
    judged = [*blobs]
    judges = keeper.add_members(judged)
    if record.is_key_stream(stream):
        texts = (await ask(CheckKeys(tuple(map(SealedKeyFile, places)), judges), Faults, judged)).message.texts
        return tuple(
            "" if _is_of_before(keeper, judges, place, text) else text
            for place, text in zip(places, texts, strict=True)
        )
    if record.is_log_stream(stream):
        return (await ask(CheckCheckpoints(places, judges), Faults, judged)).message.texts
    if record.forgotten_stream(stream):
        return (await ask(CheckTombstones(places, judges), Faults, judged)).message.texts
    if is_audit_stream(stream):
        return (await ask(CheckLogBatches(places, judges), Faults, judged)).message.texts
    if stream == record.MEMBERS:
        return await _ask_about_members(inquiry, tuple(seq for seq, _ in present))
    level = stream.removeprefix("level") or names.ROOT
    project = names.project(level)
    head = keeper.key_head(project)
    if head is None:
        raise NoVault(f"the key of project {project} is gone from the vault")
    key = keeper.place(record.key_stream(project), head.seq)
    every = [*blobs, head.data]
    members = keeper.add_members(every)
    layers = tuple(SealedLayer(level, place, number, key, len(blobs), members) for number, place in enumerate(places))
    return (await ask(CheckRecords(layers), Faults, every)).message.texts


def _is_of_before(vault: Vault, judges: MemberRecords | None, place: RecordAddress, text: str) -> bool:
    # a key file before the newest may be of a time when this member was not there
    return judges is not None and text == NOT_FOR_US and place.seq < vault.highest(place.stream)


async def _ask_about_members(inquiry: Inquiry, numbers: tuple[int, ...]) -> tuple[str, ...]:
    # each follows from all before it, so all are checked
    vault = inquiry.service.open_vault.vault
    records: list[bytes] = []
    vault.add_members(records)
    request = CheckMembers(vault.description.id)
    texts = (await inquiry.service.keyholder.ask(request, Faults, records)).message.texts
    return tuple(texts[seq - 1] if seq <= len(texts) else "it is of no member" for seq in numbers)


def _place(keeper: Vault, of_stream: Gaps, seq: int) -> RecordAddress:
    # where the record before was forgotten, its tombstone says what it was
    place = keeper.place(of_stream.stream, seq)
    before = of_stream.named.get(seq - 1) if place.prev == record.FORGOTTEN else ""
    return place._replace(prev=before) if before else place


async def accept_now(service: Service, caller: Caller, level: str) -> str:
    """Accept a level as it is now, after a rollback was noticed. The checkpoints of the log as well.

    Returns a sentence about the level as it was accepted.
    """
    open_vault = service.open_vault
    version_before = _version(open_vault.vault, level)
    version = open_vault.vault.acceptable(level)
    service.log.append(events.accepted(level, version), caller)
    open_vault.vault.accept(level)
    open_vault.views.wipe()  # views are known by their versions, and these may be others now
    open_vault.changes.wrote(level, version_before)
    if service.ledger.behind:
        service.ledger.accept()
    custody = ""
    with suppress(EnvFSError):
        custody = f"; its project is {open_vault.keys.custody(names.project(level))}"
    return f"{level} is accepted at version {version}{custody}"


def _version(vault: Vault, level: str) -> LevelVersion:
    try:
        head = vault.head(level)
    except EnvFSError:
        return UNKNOWN
    return LevelVersion(head.seq, head.digest) if head is not None else NO_TEXT
