"""Forgetting the payloads of older versions of a level: a tombstone first, then the bytes (docs/format.md §9).

Laws: the newest version is never forgotten. The entry in the log and the tombstone are on the disk before a byte goes.
So whoever is killed in between leaves what the next one finishes. The keyholder opens each record before it signs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import trio

from envfs.core import events, limits, record
from envfs.core.access.caller import Caller
from envfs.errors import (
    AuthenticationFailed,
    Conflict,
    EnvFSError,
    KeyholderGone,
    Locked,
    NoSuchLevel,
    StoreUnavailable,
)
from envfs.gate.tombstones import checked_tombstones
from envfs.host import clocks
from envfs.protocol.answers import Stated
from envfs.protocol.keyholding import SignTombstone
from envfs.service.service import Service
from envfs.vault.vault import Vault

_BYTES_AT_ONCE = 4 << 20
_UNFINISHED = (StoreUnavailable, Locked, KeyholderGone)  # a disk may be healed, and a vault unlocked


class ForgetPlan(NamedTuple):
    """The versions of a level to forget: those before `first_left` that have their bytes."""

    level: str
    versions: tuple[int, ...]
    first_left: int


def plan_forgetting(vault: Vault, level: str, before: int, before_time: str) -> ForgetPlan:
    """Find the versions of a level before a number, or before a time. With neither: all but the newest.

    Raises:
        NoSuchLevel: the level has no version, or none of that number
    """
    head = vault.head(level)
    if head is None:
        if vault.exists(level):
            raise NoSuchLevel(f"{level} has no text of its own, and so no versions", "`envfs ls` lists the levels")
        raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")
    if before > head.seq:
        raise NoSuchLevel(
            f"{level} has no version {before}: its newest is {head.seq}, which is never forgotten",
            f"`envfs history {level}` lists them",
        )
    first_left = before or (vault.first_since(level, before_time) if before_time else head.seq)
    return ForgetPlan(level, tuple(vault.present_versions(level, first_left)), first_left)


async def forget_payloads(service: Service, caller: Caller, plan: ForgetPlan) -> None:
    """Forget them, and every view that may show one.

    Raises:
        AuthenticationFailed: a record among them is damaged. Those before it are forgotten
        Conflict: another process forgets versions of this level
        Locked: the level's project is
    """
    async with service.open_vault.changing:  # as a change of keys, which forgets too: a backup waits for its end
        service.ledger.forgetting.add(plan.level)
        try:
            await _forget_payloads(service, caller, plan)
        except _UNFINISHED:
            raise  # it is finished when that is over
        except BaseException:
            service.ledger.forgetting.discard(plan.level)
            raise
        service.ledger.forgetting.discard(plan.level)


async def finish_forgetting(service: Service) -> None:
    """Finish what was interrupted: forget what tombstones name of levels whose forgetting the log does not show done.

    A level that cannot be read, or is damaged, keeps no other one from it. Nothing happens while a change is under way.
    """
    forgetting, open_vault = service.ledger.forgetting, service.open_vault
    if not forgetting or open_vault.changing.locked():
        return
    async with open_vault.changing:
        for level in tuple(forgetting):
            try:
                await _forget_named(service, level)
            except _UNFINISHED:
                continue
            except EnvFSError:
                pass
            forgetting.discard(level)


async def _forget_named(service: Service, level: str) -> None:
    vault, stream = service.open_vault.vault, record.level_stream(level)
    named = await checked_tombstones(vault, service.keyholder, stream)
    texts = ((seq, digest, vault.read(stream, seq)) for seq, digest in named.items())
    versions = [seq for seq, digest, data in texts if data and record.digest(data) == digest]
    await trio.to_thread.run_sync(vault.forget_versions, level, versions)


async def _forget_payloads(service: Service, caller: Caller, plan: ForgetPlan) -> None:
    vault, stream = service.open_vault.vault, record.level_stream(plan.level)
    named = await checked_tombstones(vault, service.keyholder, stream)
    try:
        for versions in _batches(vault, stream, plan.versions):
            for seq in versions:
                if named.get(seq) not in (None, record.digest(vault.read(stream, seq) or b"")):
                    raise AuthenticationFailed(f"record {seq} of {stream} is not the one that its owner forgot")
            await _say_so(service, caller, plan.level, [seq for seq in versions if seq not in named])
            await trio.to_thread.run_sync(vault.forget_versions, plan.level, versions)
    finally:
        service.open_vault.views.forget(plan.level, plan.versions)
        await service.after_lock()  # what the kernel has of them


async def _say_so(service: Service, caller: Caller, level: str, versions: list[int]) -> None:
    # those that are named already came back from a copy, or were left by somebody who was killed
    vault = service.open_vault.vault
    stream, head = record.level_stream(level), vault.head(level)
    if not versions or head is None:
        return
    async with service.keyholder.turn():
        layers = vault.layers([(level, seq) for seq in (*versions, head.seq)])
        place = vault.next_place(record.tombstone_stream(stream))
        members = layers.layers[0].members
        request = SignTombstone(place, clocks.wall_time(), (), layers=layers.layers, members=members)
        answer = await service.keyholder.ask(request, Stated, layers.blobs)
    is_ours = await service.sharing.offer(record.record_key(place.stream, place.seq), answer.blobs[0])
    service.log.append_durably(events.forgotten(level, versions[0], versions[-1]), caller)
    if not is_ours or not vault.append_tombstone(stream, place.seq, answer.blobs[0]):
        raise Conflict(f"versions of {level} were forgotten by another process meanwhile", "look, and try again")


def _batches(vault: Vault, stream: str, versions: tuple[int, ...]) -> Iterator[list[int]]:
    # bounded in number, as a tombstone is, and in bytes
    some: list[int] = []
    size = 0
    for seq in versions:
        some.append(seq)
        size += len(vault.read(stream, seq) or b"")
        if size > _BYTES_AT_ONCE or len(some) == limits.TOMBSTONE_RECORDS:
            yield some
            some, size = [], 0
    if some:
        yield some
