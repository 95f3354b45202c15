"""Requests that wait: a change of a view, or of the daemon's state, is told as it happens. Open to every uid.

The gate decides on a view. Of the state each user is told what `status` tells.
"""

import trio

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import NotRunning
from envfs.protocol.control import Done, NewsRow, WatchStatus, WatchView
from envfs.service.changes.changes import ViewNews
from envfs.service.state_watch import status_row

_LOOK_AGAIN = 0.5  # whether the client is still there
_PROBLEM_LOOKS = 10  # after so many looks at the client there is one at what changes without an event


async def watch_view(call: Call, request: WatchView) -> Sent:
    """Send a row for whatever happens to a view, until the client leaves. The gate decides on each again.

    Raises:
        NotRunning: this daemon serves one command alone, so nothing will happen here
    """
    level, changes = names.parse_level(request.level), call.service.open_vault.changes
    access = AccessRequest(level, Channel.SOCKET, Format.CHANGES)
    call.service.open_vault.reader.check(call.caller, access)
    if not changes.running:
        raise NotRunning("no daemon runs here that could report changes", "start it with `envfs mount`")
    call.service.open_vault.gate.admit_facts(call.caller, access)
    with changes.watch(level) as watch:
        await call.send_row(NewsRow(ViewNews.WATCHED))
        while not call.wants_no_more():
            with trio.move_on_after(_LOOK_AGAIN):
                await watch.wait()
            for news in watch.take():
                call.service.open_vault.gate.admit_facts(call.caller, access)
                await call.send_row(NewsRow(news))
    return Sent(Done())


async def watch_status(call: Call, _request: WatchStatus) -> Sent:
    """Send the daemon's state, and again whenever it is another one, until the client leaves.

    Raises:
        NotRunning: this daemon serves one command alone, so nothing will happen here
    """
    service, sent = call.service, None
    if not service.open_vault.changes.running:
        raise NotRunning("no daemon runs here that could report changes", "start it with `envfs mount`")
    while not call.wants_no_more():
        changed = service.state_changed.event
        row = status_row(service, call.caller)
        if row != sent:
            await call.send_row(row)
            sent = row
        await _wait(call, changed)
    return Sent(Done())


async def _wait(call: Call, changed: trio.Event) -> None:
    for _ in range(_PROBLEM_LOOKS):
        with trio.move_on_after(_LOOK_AGAIN):
            await changed.wait()
        if changed.is_set() or call.wants_no_more():
            return
