"""Requests that look after the vault: check every record, accept what was refused. For the owner only."""

from contextlib import suppress

from envfs.control.call import Call, Sent
from envfs.core import names, record
from envfs.core.audit import Event
from envfs.errors import EnvFSError, KeyholderGone, Locked, NoVault
from envfs.gate.comparison import NO_TEXT, UNKNOWN, Version
from envfs.protocol.control import Accept, Checked, Done, FaultRow, VerifyVault
from envfs.protocol.keyholding import CheckKeys, CheckRecords, Faults, KeyFile, Layer
from envfs.vault.vault import Vault

_CHECKED_AT_ONCE = 64


async def verify_vault(call: Call, _request: VerifyVault) -> Sent:
    """Check every record of every stream; send a row for each that fails."""
    looked_at, failed, locked = 0, 0, set()
    for stream in call.service.house.vault.streams():
        try:
            count, faults = await _verify_stream(call, stream)
        except Locked as error:
            if not error.about:
                raise
            locked.add(error.about)
            continue
        looked_at, failed = looked_at + count, failed + len(faults)
        for fault in faults:
            await call.send_row(fault)
    return Sent(
        Checked(looked_at, failed, tuple(f"{project} is locked and was not checked" for project in sorted(locked)))
    )


async def _verify_stream(call: Call, stream: str) -> tuple[int, list[FaultRow]]:
    keeper = call.service.house.vault
    last = keeper.last(stream)
    expected = {record.key(stream, seq) for seq in range(1, last + 1)}
    faults = [FaultRow(key, "not a record of this stream") for key in keeper.keys_of(stream) if key not in expected]
    for first in range(1, last + 1, _CHECKED_AT_ONCE):
        faults += await _verify_records(call, stream, range(first, min(first + _CHECKED_AT_ONCE, last + 1)))
    if not faults:
        with_head = _head_fault(call, stream)
        faults += [FaultRow(stream, with_head)] if with_head else []
    return last, faults


def _head_fault(call: Call, stream: str) -> str:
    try:
        call.service.house.vault.stream_head(stream)
    except EnvFSError as error:
        return error.text
    return ""


async def _verify_records(call: Call, stream: str, numbers: range) -> list[FaultRow]:
    async with call.service.keyholder.turn():
        return await _verify_gathered(call, stream, numbers)


async def _verify_gathered(call: Call, stream: str, numbers: range) -> list[FaultRow]:
    keeper = call.service.house.vault
    found = [(seq, keeper.read(stream, seq)) for seq in numbers]
    faults = [FaultRow(record.key(stream, seq), "the record is gone") for seq, data in found if data is None]
    forgotten = record.is_key_stream(stream)  # key files before the newest may be
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
    if record.is_key_stream(stream):
        keys = tuple(KeyFile(keeper.place(stream, seq)) for seq, _ in present)
        return (await ask(CheckKeys(keys), blobs)).message
    level = stream.removeprefix("level") or names.ROOT
    project = names.project(level)
    head = keeper.key_head(project)
    if head is None:
        raise NoVault(f"the key of project {project or '/'} is gone from the vault")
    key = keeper.place(record.key_stream(project), head.seq)
    layers = tuple(
        Layer(level, keeper.place(stream, seq), number, key, len(blobs)) for number, (seq, _) in enumerate(present)
    )
    return (await ask(CheckRecords(layers), (*blobs, head.data))).message


async def accept(call: Call, request: Accept) -> Sent:
    """Accept a level as it is now, after a rollback was noticed."""
    level = names.level(request.level)
    house = call.service.house
    before = _version(house.vault, level)
    version = house.vault.accept(level)
    house.views.wipe()  # views are known by their versions, and these may be others now
    house.changes.wrote(level, before)
    call.service.log.append(Event("accept", "socket", level, version), call.caller)
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
