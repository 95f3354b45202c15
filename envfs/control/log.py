"""Requests about the access log: read it, count in it, verify it, keep its file and go on, begin a new one.

For the owner only.
"""

import itertools
import pwd
from collections.abc import Callable, Iterator

import trio

from envfs.control.call import Call, Sent
from envfs.core import log_filter, pins
from envfs.core.log_filter import LogFilter
from envfs.core.log_statistics import Statistics
from envfs.errors import BadRequest
from envfs.gate.audit_log.log import AccessLog
from envfs.protocol.control import (
    CallerStatRow,
    CountLog,
    Done,
    HourStatRow,
    LogRow,
    ReadLog,
    RestartLog,
    RotateLog,
    VerifyLog,
)
from envfs.service import log_verification
from envfs.service.log_verification import Inquiry

_LOOK_AGAIN = 0.2
_LINES_AT_ONCE = 256
_LONGEST_CRITERION = 1024


async def read_log(call: Call, request: ReadLog) -> Sent:
    """Send entries of the log, those that the filter takes. With `follow`, go on until the client leaves."""
    log, accepts = _log(call), _filter(request)
    seen = log.tip.seq
    await _send_lines(call, log.newest(max(0, request.newest), accepts))
    while request.follow and not call.left():
        await trio.sleep(_LOOK_AGAIN)
        fresh, seen = log.tip.seq - seen, log.tip.seq
        if fresh > 0:
            lines = log.newest(fresh)
            await _send_lines(call, filter(accepts, lines) if accepts else lines)
    return Sent(Done())


async def count_log(call: Call, request: CountLog) -> Sent:
    """Count the accesses that the filter takes, by level and caller, and by the hour."""
    log, accepts, statistics = _log(call), _filter(request), Statistics()

    def count() -> None:
        for line in log.newest(0, accepts):
            statistics.take(line)

    await call.service.ledger.read_whole(count, call.left)
    for caller, tally in statistics.callers():
        await call.send_row(CallerStatRow(caller.level, caller.uid, _user(caller.uid), caller.program, *tally))
    await call.send_rows(HourStatRow(hour, *numbers) for hour, numbers in statistics.hours())
    return Sent(Done())


def _filter(request: ReadLog | CountLog) -> Callable[[bytes], bool] | None:
    if any(len(text) > _LONGEST_CRITERION for text in request if isinstance(text, str)):
        raise BadRequest("what entries are chosen by is too long", f"at most {_LONGEST_CRITERION} characters each")
    criteria = LogFilter(
        request.level,
        request.uid,
        request.exe,
        request.under,
        request.decision,
        request.event,
        request.since,
        request.until,
    )
    return None if criteria == LogFilter() else log_filter.acceptor(criteria)


def _log(call: Call) -> AccessLog:
    _ = call.service.open_vault  # a log without a vault would be one that this question begins
    return call.service.log


async def _send_lines(call: Call, lines: Iterator[bytes]) -> None:
    # some at a time, and read in a thread: a log may be longer than the memory, and on a slow disk
    while some := await trio.to_thread.run_sync(list, itertools.islice(lines, _LINES_AT_ONCE)):
        await call.send_rows(LogRow(line.decode(errors="replace")) for line in some)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return ""


async def verify_log(call: Call, request: VerifyLog) -> Sent:
    """Follow the log's chain, check its signed checkpoints, and hold them against those of the vault and the pin."""
    pin = pins.parse_pin(request.pin) if request.pin else None
    return Sent(await log_verification.verify_access_log(Inquiry(call.service, call.left, call.send_row), pin))


async def rotate_log(call: Call, _request: RotateLog) -> Sent:
    """Seal the segment that is written, keep it under the name of its entries, and go on in a new one."""
    service = call.service
    _ = service.open_vault
    aside = await service.keeping.close_segment(call.caller)
    return Sent(Done((f"the old entries are kept in {aside}",)))


async def restart_log(call: Call, _request: RestartLog) -> Sent:
    """Set the old log aside and begin a new one."""
    _ = call.service.open_vault
    ledger = call.service.ledger
    behind = ledger.behind
    aside = await ledger.restart(call.caller)
    await log_verification.sign_log(call.service)
    notes = [f"the old log is kept as {aside}" if aside else "the old log is gone"]
    if behind:
        notes.append(f"{behind}: its values may be older ones; `envfs history LEVEL` says when each was set")
    return Sent(Done(tuple(notes)))
