"""Requests about the access logs of other machines, as far as they are shared with this one.

Laws: each caller gets the entries of the levels whose log it may read, as of this machine's own log. So many entries
are held in memory and no more.
"""

import contextlib
import heapq
import json
from collections.abc import AsyncGenerator
from datetime import datetime

from envfs.control.call import Call, Sent
from envfs.control.requests import log_entries
from envfs.core import events
from envfs.core.operations import KeyOperation
from envfs.errors import BadRequest, NoSuchLevel, StoreUnavailable
from envfs.host import clocks
from envfs.protocol.control import Done, ListLogMachines, LogMachineRow, LogRow, ReadSharedLog, ShareLog
from envfs.service.members.listing import load_members
from envfs.service.shared_logs import reading
from envfs.service.shared_logs.reading import OpenedBatch, SharedLog

_MOST_HELD = 10_000
_SEND_SECONDS = 20.0


async def share_log(call: Call, request: ShareLog) -> Sent:
    """Begin or end sharing this machine's log, or send what waits.

    Raises:
        BadRequest: it is none of these, or the log is not shared
        StoreUnavailable: it could not be sent
    """
    service = call.service
    _ = service.open_vault
    settings = service.settings.load().audit
    if request.action in ("on", "off"):
        is_on = request.action == "on"
        if settings.share != is_on:
            service.log.append_durably(events.identity_changed(KeyOperation.SHARED_LOG, request.action), call.caller)
            service.settings.set_log_sharing(is_on=is_on)
        return Sent(Done())
    if request.action != "send":
        raise BadRequest("an action is on, off or send")
    if not settings.share:
        raise BadRequest("the log of this machine is not shared", "`envfs sync log on` shares it")
    sender = service.log_sender
    if not await sender.send_now(service.sharing.wake, _SEND_SECONDS):
        raise StoreUnavailable(sender.problem or "the engine is away", "`envfs sync status` says more")
    _, last, _ = await sender.position()
    return Sent(Done((f"sent, up to entry {last}",)))


async def list_log_machines(call: Call, request: ListLogMachines) -> Sent:
    """Send a row for each device, and with `check` what is wrong with its log."""
    async with contextlib.aclosing(_chosen(call, request.machine)) as logs:
        async for log, newest in logs:
            faults = await reading.faults_of(call.service, log) if request.check else ()
            await call.send_row(_row(log, newest, faults))
    return Sent(Done())


async def read_shared_log(call: Call, request: ReadSharedLog) -> Sent:
    """Send the newest entries of other machines, the oldest first."""
    accepts, most = log_entries.filter_of(request), min(request.newest or _MOST_HELD, _MOST_HELD)
    chosen: list[tuple[str, int, bytes]] = []
    async with contextlib.aclosing(_chosen(call, request.machine)) as logs:
        async for log, _ in logs:
            async with contextlib.aclosing(_lines(call, log, request.since)) as lines:
                count = 0
                async for time, line in lines:
                    if (accepts is None or accepts(line)) and log_entries.is_visible(call, line):
                        row = (time, count, line)  # what is older than all that are held is not wanted
                        (heapq.heappush if len(chosen) < most else heapq.heappushpop)(chosen, row)
                        count += 1
                        if count >= most:
                            break
    await call.send_rows(LogRow(line.decode()) for _, _, line in sorted(chosen, key=lambda row: row[0]))
    return Sent(Done())


async def _chosen(call: Call, name: str) -> AsyncGenerator[tuple[SharedLog, OpenedBatch | None], None]:
    fits = False
    for log in await reading.shared_logs(call.service, await load_members(call.service)):
        newest = await reading.newest_batch(call.service, log)
        host = newest.entries.host if newest and newest.entries else ""
        if not name or name in (log.member, host) or log.device.startswith(name):
            fits = True
            yield log, newest
    if not fits and name:
        raise NoSuchLevel("no machine or member has that name", "`envfs sync log` lists them")


async def _lines(call: Call, log: SharedLog, since: str) -> AsyncGenerator[tuple[str, bytes], None]:
    # the newest first
    async with contextlib.aclosing(reading.opened_batches(call.service, log, newest_first=True)) as batches:
        async for opened in batches:
            if opened.batch is None or opened.entries is None:
                continue
            if since and opened.batch.statement.header.time < since:
                return
            about = {"machine": opened.entries.host, "member": log.member}
            for body in reversed(opened.entries.bodies):
                yield str(body.get("time", "")), f"{json.dumps(body | about, separators=(',', ':'))}\n".encode()


def _row(log: SharedLog, newest: OpenedBatch | None, faults: tuple[str, ...]) -> LogMachineRow:
    batch, entries = (newest.batch, newest.entries) if newest else (None, None)
    time, last = (batch.statement.header.time, batch.claim.last) if batch else ("", 0)
    age = _age(time) if time else 0.0
    state = "shared"
    if not log.batches:
        state = "missing" if log.missing else "none"
    elif newest and newest.fault:
        state, faults = "closed", faults or (newest.fault,)
    elif reading.is_silent(entries, age) and not log.is_former:
        state = "silent"
    host = entries.host if entries else ""
    facts = (
        log.member,
        log.device,
        host,
        log.batches,
        last,
        time,
        "broken" if faults and newest and entries else state,
    )
    return LogMachineRow(*facts, is_former=log.is_former, faults=faults)


def _age(time: str) -> float:
    return (datetime.fromisoformat(clocks.wall_time()) - datetime.fromisoformat(time)).total_seconds()
