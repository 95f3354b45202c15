"""The variables that a member could open, for those who have to change them.

Where the member's machines share their logs, these say what was read there, and when. A checkpoint of such a log names
the newest version of each level that the machine opened. Where neither is here, nothing is known of what they read.
"""

from collections.abc import Iterator
from contextlib import suppress

from envfs.core import checkpoint, names, record
from envfs.core.membership.member import Member
from envfs.errors import EnvFSError, Locked
from envfs.protocol.control import ReadableRow
from envfs.protocol.keyholding import Compared, CompareVersions
from envfs.service.members.listing import load_members
from envfs.service.service import Service
from envfs.service.shared_logs.member_reads import RemoteRead, reads_of_member
from envfs.vault.vault import Vault


async def readable_variables(service: Service, member: Member) -> list[ReadableRow]:
    """List the variables of each level whose project's key the member had. Locked projects are left out."""
    vault = service.open_vault.vault
    opened = _opened_streams(vault, member)
    rows: list[ReadableRow] = []
    for level in vault.levels():
        head = vault.head(level)
        if head is None or not member.may_open(names.project(level)):
            continue
        with suppress(Locked):
            layers = vault.layers([(level, head.seq)])
            request = CompareVersions(layers.layers, head.seq)
            answer = await service.keyholder.ask(request, Compared, layers.blobs)
            was_opened = record.level_stream(level) in opened
            rows += [ReadableRow(level, name, was_opened) for name in sorted(answer.message.versions[-1].added)]
    members = await load_members(service)
    reads = await reads_of_member(service, members, member, ((row.level, row.name) for row in rows))
    return [_with_read(row, reads.get((row.level, row.name))) for row in rows]


def _with_read(row: ReadableRow, read: RemoteRead | None) -> ReadableRow:
    return row if read is None else row._replace(read_at=read.time, read_on=read.machine)


def _opened_streams(vault: Vault, member: Member) -> frozenset[str]:
    return frozenset(
        head.stream
        for stream in vault.log_streams()
        for point in _checkpoints(vault, stream)
        if member.device(point.header.author)
        for head in point.claim.heads
    )


def _checkpoints(vault: Vault, stream: str) -> Iterator[checkpoint.StoredCheckpoint]:
    for key in vault.keys_of(stream):
        with suppress(EnvFSError):
            yield checkpoint.parse_checkpoint(vault.key_bytes(key))
