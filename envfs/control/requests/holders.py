"""The request who has a value of a variable."""

from envfs.control.call import Call, Sent
from envfs.control.requests.rules import user_name
from envfs.control.requests.writers import admit_past
from envfs.core import names
from envfs.core.access.roles import Capability
from envfs.core.holding import HoldKind
from envfs.errors import BadRequest
from envfs.protocol.control import Done, HolderRow, ListHolders
from envfs.service.access import rights
from envfs.service.holding import holders
from envfs.service.holding.descent import Holder
from envfs.service.holding.holders import HoldersQuestion
from envfs.service.progress import Progress


async def list_holders(call: Call, request: ListHolders) -> Sent:
    """Send the live processes that were given a value of a variable.

    Raises:
        BadRequest: both a version and one before which
        NotApproved: the caller may not have the names and versions of the level. That is on the log
    """
    level, name = names.parse_level(request.level), names.parse_variable(request.name)
    if min(request.version, request.before) < 0 or (request.version and request.before):
        raise BadRequest("a version counts from 1, and one of the two is enough")
    exact = admit_past(call, level, name)
    question = HoldersQuestion(level, name, request.version, request.before)

    def sees(level: str) -> bool:
        return rights.may(call.service, call.caller, Capability.LOG, level)

    progress = Progress(call.send_row, call.service.log.tip.seq)
    answer = await holders.find_holders(call.service, question, sees, progress, exact=exact)
    await call.send_rows(map(holder_row, answer.holders))
    return Sent(Done(answer.notes))


def holder_row(holder: Holder) -> HolderRow:
    """Return a holder as the row that is sent."""
    process, kind, read, times, (sighting, is_current, *_), is_renewed = holder
    return HolderRow(
        level=read.level,
        source=sighting.level,
        version=sighting.version,
        is_current=is_current,
        kind=kind,
        channel=read.route,
        pid=process.pid,
        process=process.key,
        started=process.started,
        uid=process.uid,
        user=user_name(process.uid) if process.uid >= 0 else "",
        executable=process.executable,
        name=process.name,
        script=read.script if process.pid == read.pid and kind is not HoldKind.REPLACED else "",
        unit=process.unit,
        container=process.container,
        reader=read.pid,
        since=times.first,
        last=times.last,
        is_renewed=is_renewed,
        rule=read.rule,
    )
