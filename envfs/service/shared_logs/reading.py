"""The shared logs of the machines of a vault, as an auditor has them: which there are, whether they are whole, entries.

Laws: nothing of a batch counts before the keyholder has checked it. A machine that withholds its own log, or the end of
it, is told by its name and by the age of what it sent last. No other machine can.
"""

from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

import trio

from envfs.core import log_batches
from envfs.core.log_batches import LogBatch, SharedEntries
from envfs.core.membership.member import Device, Member
from envfs.core.membership.members import Members
from envfs.core.shared_logs import audit_stream
from envfs.errors import EnvFSError
from envfs.protocol.keyholding import BatchesOpened, OpenLogBatches
from envfs.service.service import Service

_AT_ONCE = 16  # batches: of the largest size they are what one request may carry
_DAY_SECONDS = 86_400


class SharedLog(NamedTuple):
    """The shared log of one device: its member, as the list has them now or had them last, and its batches here."""

    stream: str
    device: str
    member: str
    is_former: bool
    batches: int
    missing: int = 0


class OpenedBatch(NamedTuple):
    """A batch, and its content. Without one, why it cannot be opened."""

    number: int
    batch: LogBatch | None
    entries: SharedEntries | None
    fault: str = ""


async def shared_logs(service: Service, members: Members) -> list[SharedLog]:
    """List the logs of all devices of the vault, those that share none among them, by the member's name."""
    vault = service.open_vault.vault
    numbers = await trio.to_thread.run_sync(vault.audit_streams)
    logs = []
    for member, device, is_former in _devices(members):
        stream = audit_stream(vault.description.id, device.author)
        seen, batches = vault.memory.get(stream), numbers.get(stream, 0)
        missing = max(0, (seen.seq if seen else 0) - batches)
        if batches or missing or not is_former:
            logs.append(SharedLog(stream, device.author, member.name, is_former, batches, missing))
    return sorted(logs, key=lambda log: (log.member, log.device))


def _devices(members: Members) -> Iterator[tuple[Member, Device, bool]]:
    # each once, the newest word first: a device that was taken out is one of a former member, or a former one
    seen: set[str] = set()
    for roster in reversed(members.rosters):
        for member in roster.members:
            for device in member.devices:
                if device.author not in seen:
                    seen.add(device.author)
                    yield member, device, roster is not members.now


async def opened_batches(
    service: Service, log: SharedLog, *, newest_first: bool = False
) -> AsyncGenerator[OpenedBatch, None]:
    """Yield the batches of a log, opened."""
    numbers = range(1, log.batches + 1)
    for at in range(0, log.batches, _AT_ONCE):
        some = [*(reversed(numbers) if newest_first else numbers)][at : at + _AT_ONCE]
        for opened in await _open(service, log.stream, some):
            yield opened


async def newest_batch(service: Service, log: SharedLog) -> OpenedBatch | None:
    """Return the newest batch of a log, opened. None: it has none."""
    if not log.batches:
        return None
    [opened] = await _open(service, log.stream, [log.batches])
    return opened


async def _open(service: Service, stream: str, numbers: list[int]) -> list[OpenedBatch]:
    vault = service.open_vault.vault
    there = {number: data for number in numbers if (data := vault.read(stream, number))}
    blobs = [*there.values()]
    members = vault.add_members(blobs)
    request = OpenLogBatches(tuple(vault.place(stream, number) for number in there), members)
    answer = await service.keyholder.ask(request, BatchesOpened, blobs) if there else None
    faults = dict(zip(there, answer.message.faults, strict=True)) if answer else {}
    texts = dict(zip(there, answer.blobs, strict=True)) if answer else {}
    return [
        _opened(number, there[number], faults[number], texts[number])
        if number in there
        else OpenedBatch(number, None, None, f"batch {number} is gone")
        for number in numbers
    ]


def _opened(number: int, data: bytes, fault: str, text: bytes) -> OpenedBatch:
    try:
        batch = log_batches.parse_batch(data)
        return OpenedBatch(number, batch, None if fault else log_batches.unpack_entries(text), fault)
    except EnvFSError as error:
        return OpenedBatch(number, None, None, fault or error.text)


async def faults_of(service: Service, log: SharedLog) -> tuple[str, ...]:
    """Say what is wrong with a log: batches that are not the device's, that are gone, or leave entries out."""
    faults, before = list[str](), None
    async for opened in opened_batches(service, log):
        if opened.batch is None or opened.entries is None:
            faults.append(opened.fault)
            before = opened.batch.claim if opened.batch else None
            continue
        claim = opened.batch.claim
        if before is not None and claim.begin == before.begin and claim.first != before.last + 1:
            faults.append(_gap(before.last + 1, claim.first - 1))
        elif (before is None or claim.begin != before.begin) and claim.first > 1:
            faults.append(_gap(1, claim.first - 1))
        if log_batches.stands_for(opened.entries) != claim.last - claim.first + 1:
            faults.append(f"batch {opened.number} has other entries than it says")
        before = claim
    if log.missing:
        faults.append(f"{log.missing} batches that were here are gone")
    return tuple(faults)


def _gap(first: int, last: int) -> str:
    return f"entries {first} to {last} are not in it" if last >= first else f"it goes on before entry {first}"


def is_silent(entries: SharedEntries | None, age: float) -> bool:
    """Tell whether a machine that sent its newest batch so many seconds ago should have sent another one."""
    return age > 2 * max(entries.every if entries else 0, _DAY_SECONDS)
