"""The request of `envfs doctor`: `admin` for the whole vault, as its row says."""

from envfs.control.call import Call, Sent
from envfs.protocol.control import Diagnose, Done
from envfs.service.doctor import facts


async def diagnose(call: Call, _request: Diagnose) -> Sent:
    """Send a row for each check."""
    async for finding in facts.gather_findings(call.service):
        await call.send_row(finding)
    return Sent(Done())
