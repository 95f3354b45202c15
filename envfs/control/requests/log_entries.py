"""Requests for the entries of the access log, and for numbers of them.

Laws: each caller gets those of the levels whose log it may read. How many others there are is not for it either. So
many entries are held in memory and no more, however many are asked for: of more of them the log is read twice.
"""

import collections
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator

import trio

from envfs.control.call import Call, Sent
from envfs.control.requests.rules import user_name
from envfs.core import audit, log_filter, names
from envfs.core.access.roles import Capability
from envfs.core.log_filter import LogFilter
from envfs.core.log_statistics import Statistics
from envfs.errors import BadRequest, LogBroken, UnsafeSettings
from envfs.gate.audit_log.log import AccessLog
from envfs.protocol.control import CallerStatRow, CountLog, Done, HourStatRow, LogRow, ReadLog, ReadSharedLog
from envfs.service.access import rights

_LOOK_AGAIN = 0.2
_LINES_AT_ONCE = 256
_LONGEST_CRITERION = 1024
_MOST_HELD = 10_000
_UIDS = 1 << 32
_Accepts = Callable[[bytes], bool]


async def read_log(call: Call, request: ReadLog) -> Sent:
    """Send entries of the log, those that the filter takes. With `follow`, go on until the client leaves."""
    log, accepts = _log(call), filter_of(request)
    seen, newest = log.tip.seq, max(0, request.newest)
    is_held = newest <= _MOST_HELD or accepts is None  # by the log itself
    if not newest or (_sees_all(call) and is_held):
        await _send_lines(call, log.newest(newest, accepts))
    elif newest <= _MOST_HELD:
        visible: collections.deque[bytes] = collections.deque(maxlen=newest)
        async with contextlib.aclosing(_visible(call, log.newest(0, accepts))) as pages:
            async for some in pages:
                visible.extend(some)
        await call.send_rows(map(_row, visible))
    else:
        await _send_many(call, newest, accepts)
    while request.follow and not call.wants_no_more():
        await trio.sleep(_LOOK_AGAIN)
        fresh, seen = log.tip.seq - seen, log.tip.seq
        if fresh > 0:
            lines = log.newest(fresh)
            await _send_lines(call, filter(accepts, lines) if accepts else lines)
    return Sent(Done())


async def count_log(call: Call, request: CountLog) -> Sent:
    """Count the accesses that the filter takes, by level and caller, and by the hour."""
    statistics = Statistics()
    async with contextlib.aclosing(_visible(call, _log(call).newest(0, filter_of(request)))) as pages:
        async for some in pages:
            for line in some:
                statistics.take(line)
    for counted, numbers in statistics.callers():
        user = user_name(counted.uid) if 0 <= counted.uid < _UIDS else ""  # who bends a log may write any number there
        await call.send_row(CallerStatRow(counted.level, counted.uid, user, counted.program, *numbers))
    await call.send_rows(HourStatRow(hour, *numbers) for hour, numbers in statistics.hours())
    return Sent(Done())


def filter_of(request: ReadLog | CountLog | ReadSharedLog) -> _Accepts | None:
    """Return the function that takes the entries that a request asks for. None: all.

    Raises:
        BadRequest: a criterion is too long
    """
    criteria = LogFilter(*(getattr(request, name) for name in LogFilter._fields))
    if any(len(text) > _LONGEST_CRITERION for text in criteria if isinstance(text, str)):
        raise BadRequest("what entries are chosen by is too long", f"at most {_LONGEST_CRITERION} characters each")
    return None if criteria == LogFilter() else log_filter.acceptor(criteria)


def _log(call: Call) -> AccessLog:
    _ = call.service.open_vault  # a log without a vault would be one that this question begins
    return call.service.log


async def _send_lines(call: Call, lines: Iterator[bytes]) -> None:
    async with contextlib.aclosing(_visible(call, lines)) as pages:
        async for some in pages:
            await call.send_rows(map(_row, some))


async def _send_many(call: Call, newest: int, accepts: _Accepts | None) -> None:
    log, total = _log(call), 0
    async with contextlib.aclosing(_visible(call, log.newest(0, accepts))) as pages:
        async for some in pages:
            total += len(some)
    skipped, left = max(0, total - newest), min(total, newest)
    async with contextlib.aclosing(_visible(call, log.newest(0, accepts))) as pages:
        async for some in pages:
            chosen = some[skipped:][:left]
            skipped, left = max(0, skipped - len(some)), left - len(chosen)
            await call.send_rows(map(_row, chosen))


async def _visible(call: Call, lines: Iterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    sees_all = _sees_all(call)
    async with contextlib.aclosing(_pieces(lines)) as pages:
        async for some in pages:
            yield some if sees_all else [line for line in some if is_visible(call, line)]


def _row(line: bytes) -> LogRow:
    return LogRow(line.decode(errors="replace"))


async def _pieces(lines: Iterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    # some at a time, and read in a thread: a log may be longer than the memory, and on a slow disk
    while some := await trio.to_thread.run_sync(list, itertools.islice(lines, _LINES_AT_ONCE)):
        yield some


def _sees_all(call: Call) -> bool:
    # the owner, but for a program to which a rule of the owner's denies the log of some level
    service, caller = call.service, call.caller
    if not caller.is_user(service.owner):
        return False
    levels = [names.ROOT]
    with contextlib.suppress(UnsafeSettings):
        levels = service.open_vault.gate.policy().levels_below(names.ROOT)
    return all(rights.may(service, caller, Capability.LOG, level) for level in levels)


def is_visible(call: Call, line: bytes) -> bool:
    """Tell whether a caller may read an entry: by its level."""
    try:
        level = audit.parse_log_entry(line, 0).get("level")
    except LogBroken:
        return False
    if not isinstance(level, str) or not level.startswith("/"):
        level = names.ROOT  # of the log or the daemon itself
    return rights.may(call.service, call.caller, Capability.LOG, level)
