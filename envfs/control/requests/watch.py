"""A request that waits: what happens to a view is told as it happens. Open to every uid: the gate decides."""

import trio

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import NotRunning
from envfs.protocol.control import Done, NewsRow, WatchView
from envfs.service.changes.changes import ViewNews

_LOOK_AGAIN = 0.5  # whether the client is still there


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
        while not call.left():
            with trio.move_on_after(_LOOK_AGAIN):
                await watch.wait()
            for news in watch.take():
                call.service.open_vault.gate.admit_facts(call.caller, access)
                await call.send_row(NewsRow(news))
    return Sent(Done())
