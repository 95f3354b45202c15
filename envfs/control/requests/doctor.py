"""The request of `envfs doctor`: `admin` for the whole vault, as its row says."""

from contextlib import aclosing

from envfs.control.call import Call, Sent
from envfs.protocol.control import Diagnose, Done
from envfs.service.doctor import facts


async def diagnose(call: Call, _request: Diagnose) -> Sent:
    """Send a row for each check."""
    async with aclosing(facts.gather_findings(call.service)) as findings:  # the client may leave in between
        async for finding in findings:
            await call.send_row(finding)
    return Sent(Done())
