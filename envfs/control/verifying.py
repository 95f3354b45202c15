"""Requests that look after the vault: hold all that is known of it against each other, accept what was refused.

For the owner only. The records are checked by the keyholder; the index, this machine's marks, the log and its
checkpoints are held against them here.
"""

from collections.abc import Iterator
from contextlib import suppress

from envfs.control.call import Call, Sent
from envfs.control.damage import DAMAGED, fault
from envfs.control.vouching import LIMITS, begun_again, vouch
from envfs.core import events, names, record
from envfs.errors import EnvFSError, KeyholderGone, Locked, LogBroken, NoVault, StoreUnavailable
from envfs.gate.audit_log.ledger import Ledger
from envfs.protocol.control import Accept, Checked, Done, FaultRow, VerifyVault
from envfs.protocol.keyholding import CheckCheckpoints, CheckKeys, CheckRecords, Faults, KeyFile, Layer
from envfs.service.changes.comparison import NO_TEXT, UNKNOWN, Version
from envfs.vault.vault import Vault

_CHECKED_AT_ONCE = 64


async def verify_vault(call: Call, request: VerifyVault) -> Sent:
    """Check every record of every stream, and all that is known of the vault; send a row for each fault."""
    vault = call.service.house.vault
    repaired = tuple(f"{key} is written again" for key in (_repair(vault) if request.repair else ()))
    looked_at, failed, locked = 0, 0, set()
    for stream in vault.streams():
        try:
            count, faults = await _verify_stream(call, stream)
        except Locked as error:
            if not error.about:
                raise
            locked.add(error.about)
            continue
        except StoreUnavailable as error:
            count, faults = 0, [FaultRow(stream, error.text)]
        looked_at, failed = looked_at + count, failed + len(faults)
        for row in faults:
            await call.send_row(row)
    of_the_log, begun = await _log_faults(call)
    for row in (*_index_faults(vault), *_memory_faults(vault), *of_the_log):
        failed += 1
        await call.send_row(row)
    unchecked = (f"{project} is locked and was not checked" for project in sorted(locked))
    return Sent(Checked(looked_at, failed, (*unchecked, *repaired, *begun, *_notes(vault, call.service.ledger))))


def _repair(vault: Vault) -> tuple[str, ...]:
    spoiled = ("seen.jsonl",) if vault.memory.spoiled else ()
    if spoiled:
        vault.memory.rewrite()
    return (*vault.repair_index(), *spoiled)


def _index_faults(vault: Vault) -> Iterator[FaultRow]:
    missing, idle = vault.index_differences()
    for key in missing:
        yield FaultRow(key, "the level has records and is not in the index; `envfs verify --repair` writes it again")
    for key in idle:
        yield FaultRow(key, "the index has a level that has no record")


def _memory_faults(vault: Vault) -> Iterator[FaultRow]:
    if vault.memory.spoiled:
        what = f"{vault.memory.spoiled} lines are no marks; `envfs verify --repair` writes it again without them"
        yield FaultRow("seen.jsonl", what)


async def _log_faults(call: Call) -> tuple[list[FaultRow], list[str]]:
    # the second says that it is not the first log of this machine
    ledger = call.service.ledger
    faults = [FaultRow(ledger.stream, ledger.behind)] if ledger.behind else []
    try:
        vouched = await vouch(call, ledger)
    except LogBroken as error:
        return [*faults, FaultRow("access.jsonl", error.text)], []
    except (Locked, KeyholderGone):
        raise
    except EnvFSError as error:
        return [*faults, FaultRow("access.jsonl", error.text)], []
    faults += [FaultRow(key, text) for key, text in vouched.faults.items()]
    written = await ledger.read_whole(ledger.written, call.left)
    begun = [f"the access log: {note}" for note in begun_again(vouched)]
    return [*faults, *_unwritten(call.service.house.vault, written)], begun


def _unwritten(vault: Vault, written: dict[str, int]) -> Iterator[FaultRow]:
    # a crash may have come between the entry and the record: that is told as well, for nobody can tell the two apart
    for stream, version in sorted(written.items()):
        last = vault.highest(stream)
        if last < version:
            yield FaultRow(stream, f"the access log names version {version}, and the newest here is {last}")


def _notes(vault: Vault, ledger: Ledger) -> tuple[str, ...]:
    notes = [f"{stream}: this machine's mark was gone or older, and is written again" for stream in ledger.mended]
    if not any(stream.startswith("log/") for stream in vault.streams()):
        notes.append("the vault has no checkpoint yet, so an older vault can look like the newest")
    return (*notes, LIMITS)


async def _verify_stream(call: Call, stream: str) -> tuple[int, list[FaultRow]]:
    keeper = call.service.house.vault
    last = max(keeper.last(stream), keeper.highest(stream))
    expected = {record.key(stream, seq) for seq in range(1, last + 1)}
    faults = [FaultRow(key, "not a record of this stream") for key in keeper.keys_of(stream) if key not in expected]
    for first in range(1, last + 1, _CHECKED_AT_ONCE):
        faults += await _verify_records(call, stream, range(first, min(first + _CHECKED_AT_ONCE, last + 1)))
    if not faults:
        with_head = _head_fault(call, stream)
        faults += [FaultRow(stream, with_head)] if with_head else []
    return last, faults


def _head_fault(call: Call, stream: str) -> str:
    if stream == call.service.ledger.stream:
        return ""  # told once, with the log
    try:
        call.service.house.vault.stream_head(stream)
    except EnvFSError as error:
        return error.text
    return ""


async def _verify_records(call: Call, stream: str, numbers: range) -> list[FaultRow]:
    try:
        async with call.service.keyholder.turn():
            return await _verify_gathered(call, stream, numbers)
    except DAMAGED as error:
        if len(numbers) == 1:
            return [fault(record.key(stream, numbers[0]), error)]
    return [row for number in numbers for row in await _verify_records(call, stream, range(number, number + 1))]


async def _verify_gathered(call: Call, stream: str, numbers: range) -> list[FaultRow]:
    keeper = call.service.house.vault
    found = [(seq, keeper.read(stream, seq)) for seq in numbers]
    faults = [FaultRow(record.key(stream, seq), "the record is gone") for seq, data in found if data is None]
    forgotten = not record.is_level_stream(stream)  # key files and checkpoints before the newest may be
    present = [(seq, data) for seq, data in found if data is not None and (data or not forgotten)]
    try:
        answer = await _ask_about(call, stream, present)
    except (Locked, KeyholderGone):
        raise
    except EnvFSError as error:
        return [*faults, *(FaultRow(record.key(stream, seq), error.text) for seq, _ in present)]
    texts = answer.texts if isinstance(answer, Faults) else ()
    pairs = zip(present, texts, strict=True)
    return [*faults, *(FaultRow(record.key(stream, seq), text) for (seq, _), text in pairs if text)]


async def _ask_about(call: Call, stream: str, present: list[tuple[int, bytes]]) -> object:
    keeper, ask = call.service.house.vault, call.service.keyholder.ask
    blobs = tuple(data for _, data in present)
    places = tuple(keeper.place(stream, seq) for seq, _ in present)
    if record.is_key_stream(stream):
        return (await ask(CheckKeys(tuple(map(KeyFile, places))), blobs)).message
    if not record.is_level_stream(stream):
        return (await ask(CheckCheckpoints(places), blobs)).message
    level = stream.removeprefix("level") or names.ROOT
    project = names.project(level)
    head = keeper.key_head(project)
    if head is None:
        raise NoVault(f"the key of project {project} is gone from the vault")
    key = keeper.place(record.key_stream(project), head.seq)
    layers = tuple(Layer(level, place, number, key, len(blobs)) for number, place in enumerate(places))
    return (await ask(CheckRecords(layers), (*blobs, head.data))).message


async def accept(call: Call, request: Accept) -> Sent:
    """Accept a level as it is now, after a rollback was noticed; the checkpoints of the log as well."""
    level = names.level(request.level)
    house = call.service.house
    before = _version(house.vault, level)
    version = house.vault.acceptable(level)
    call.service.log.append(events.accepted(level, version), call.caller)
    house.vault.accept(level)
    house.views.wipe()  # views are known by their versions, and these may be others now
    house.changes.wrote(level, before)
    if call.service.ledger.behind:
        call.service.ledger.accept()
    custody = ""
    with suppress(EnvFSError):
        custody = f"; its project is {house.keys.custody(names.project(level))}"
    return Sent(Done((f"{level} is accepted at version {version}{custody}",)))


def _version(vault: Vault, level: str) -> Version:
    try:
        head = vault.head(level)
    except EnvFSError:
        return UNKNOWN
    return Version(head.seq, head.digest) if head is not None else NO_TEXT
