"""A request that waits: what happens to a view is told as it happens. Open to every uid: the gate decides."""

import trio

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.errors import NotRunning
from envfs.gate.gate import Wish
from envfs.protocol.control import Done, NewsRow, WatchView

_LOOK_AGAIN = 0.5  # whether the client is still there


async def watch_view(call: Call, request: WatchView) -> Sent:
    """Send a row for whatever happens to a view, until the client leaves; the gate decides on each anew.

    Raises:
        NotRunning: this daemon serves one command alone, so nothing will happen here
    """
    level, changes = names.level(request.level), call.service.house.changes
    wish = Wish(level, "socket", "changes")
    call.service.house.reader.check(call.caller, wish)
    if not changes.running:
        raise NotRunning("no daemon runs here that could tell of changes", "start it with `envfs mount`")
    call.service.house.gate.admit_facts(call.caller, wish)
    with changes.watch(level) as watch:
        await call.send_row(NewsRow("watched"))
        while not call.left():
            with trio.move_on_after(_LOOK_AGAIN):
                await watch.wait()
            for what in watch.take():
                call.service.house.gate.admit_facts(call.caller, wish)
                await call.send_row(NewsRow(what))
    return Sent(Done())
