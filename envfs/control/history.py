"""The request for the versions of a level. Open to every uid: the gate decides.

Law: a message is for the owner alone; who may read the level gets what was done to it, and not why.
"""

from envfs.control.call import Call, Sent
from envfs.control.damage import DAMAGED, fault
from envfs.control.reading import check_visible, is_owner
from envfs.control.tombstones import gaps
from envfs.core import names, record
from envfs.gate.gate import Wish
from envfs.protocol.control import Done, FaultRow, ListHistory, VersionRow
from envfs.protocol.keyholding import Compared, CompareVersions
from envfs.vault.vault import Vault

_COMPARED_AT_ONCE, _COMPARED_BYTES = 64, 2 << 20
_FORGOTTEN = "forgotten"


async def list_history(call: Call, request: ListHistory) -> Sent:
    """Send the versions of a level, the newest first, with the names that each changed."""
    level, house = names.level(request.level), call.service.house
    check_visible(call, level)
    house.gate.admit_facts(call.caller, Wish(level, "socket", "history"))
    head = house.vault.head(level)
    newest = head.seq if head else 0
    oldest = max(1, newest - request.newest + 1) if request.newest else 1
    forgotten = await _forgotten(call, level, newest)
    last = newest
    while last >= oldest:
        if last in forgotten:
            rows: list[VersionRow | FaultRow] = [VersionRow(last, "", "", (), (), (), _FORGOTTEN)]
        else:
            rows = await _rows(call, level, range(oldest, last + 1), forgotten)
        await call.send_rows(rows)
        last -= max(1, len(rows))
    return Sent(Done())


async def _forgotten(call: Call, level: str, newest: int) -> frozenset[int]:
    # by tombstones of the owner's
    vault, stream = call.service.house.vault, record.level_stream(level)
    named = (await gaps(call, stream, newest, [])).named
    return frozenset(seq for seq in named if vault.read(stream, seq) == b"")


async def _rows(call: Call, level: str, versions: range, forgotten: frozenset[int]) -> list[VersionRow | FaultRow]:
    # of the last of these versions, down to the next one that was forgotten at most
    last = versions[-1]
    oldest = max((seq + 1 for seq in forgotten if seq < last), default=versions[0])
    oldest = max(oldest, versions[0])
    try:
        return [*await _compare(call, level, range(oldest, last + 1), forgotten)]
    except DAMAGED:
        first = max(oldest, last - _COMPARED_AT_ONCE + 1)
        numbers = range(last, first - 1, -1)
        return [await _version_or_fault(call, level, version, forgotten) for version in numbers]


async def _compare(call: Call, level: str, versions: range, forgotten: frozenset[int]) -> list[VersionRow]:
    # as many versions as are bounded in number and in bytes, the newest first; the turn ends before they are sent
    house = call.service.house
    async with call.service.keyholder.turn():
        first = _first_of(house.vault, level, versions[0], versions[-1])
        before = next((seq for seq in range(first - 1, 0, -1) if seq not in forgotten), 0)
        wanted = [(level, version) for version in (before, *range(first, versions[-1] + 1))]
        layers = house.vault.layers(wanted)
        answer = await call.service.keyholder.ask(CompareVersions(layers.layers, first), layers.blobs)
        times = {each.record.seq: record.parse_header(layers.blobs[each.record_blob]).time for each in layers.layers}
    changes = answer.message.versions if isinstance(answer.message, Compared) else ()
    rows = [VersionRow(change.version, times[change.version], *change[1:]) for change in reversed(changes)]
    return rows if is_owner(call) else [row._replace(message="") for row in rows]


async def _version_or_fault(call: Call, level: str, version: int, forgotten: frozenset[int]) -> VersionRow | FaultRow:
    try:
        return (await _compare(call, level, range(version, version + 1), forgotten))[0]
    except DAMAGED as error:
        return fault(record.key(record.level_stream(level), version), error)


def _first_of(vault: Vault, level: str, oldest: int, last: int) -> int:
    stream, size, first = record.level_stream(level), 0, last
    while first > oldest and last - first + 1 < _COMPARED_AT_ONCE:
        size += len(vault.read(stream, first) or b"")
        if size > _COMPARED_BYTES:
            break
        first -= 1
    return first
