"""Requests for the entries of the access log. Each caller gets those of the levels whose log it may read."""

import collections
import itertools
import json
from collections.abc import AsyncIterator, Iterator

import trio

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.core.access.roles import Capability
from envfs.gate.audit_log.log import AccessLog
from envfs.protocol.control import Done, LogRow, ReadLog
from envfs.service import rights

_LOOK_AGAIN = 0.2
_LINES_AT_ONCE = 256


def _log(call: Call) -> AccessLog:
    _ = call.service.open_vault  # a log without a vault would be one that this question begins
    return call.service.log


async def read_log(call: Call, request: ReadLog) -> Sent:
    """Send entries of the log. With `follow`, go on until the client leaves."""
    log = _log(call)
    seen = log.tip.seq
    newest = max(0, request.newest)
    if call.caller.is_user(call.service.owner):
        await _send_lines(call, log.newest(newest))
    else:  # of the newest ones, those of its levels: how many others there are is not for it either
        visible: collections.deque[bytes] = collections.deque(maxlen=newest or None)
        async for some in _pieces(log.newest(0)):
            visible.extend(line for line in some if _is_visible(call, line))
        await _send_lines(call, iter(visible))
    while request.follow and not call.left():
        await trio.sleep(_LOOK_AGAIN)
        fresh, seen = log.tip.seq - seen, log.tip.seq
        if fresh > 0:
            await _send_lines(call, log.newest(fresh))
    return Sent(Done())


async def _send_lines(call: Call, lines: Iterator[bytes]) -> None:
    async for some in _pieces(lines):
        await call.send_rows(LogRow(line.decode(errors="replace")) for line in some if _is_visible(call, line))


async def _pieces(lines: Iterator[bytes]) -> AsyncIterator[list[bytes]]:
    # some at a time, and read in a thread: a log may be longer than the memory, and on a slow disk
    while some := await trio.to_thread.run_sync(list, itertools.islice(lines, _LINES_AT_ONCE)):
        yield some


def _is_visible(call: Call, line: bytes) -> bool:
    if call.caller.is_user(call.service.owner):
        return True
    try:
        body = json.loads(line)
    except ValueError:
        return False
    level = body.get("level") if isinstance(body, dict) else None
    if not isinstance(level, str) or not level.startswith("/"):
        level = names.ROOT  # of the log or the daemon itself
    return rights.may(call.service, call.caller, Capability.LOG, level)
