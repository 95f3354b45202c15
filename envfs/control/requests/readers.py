"""The request who reads a level."""

from envfs.control.call import Call, Sent
from envfs.control.requests.rules import user_name
from envfs.core import names
from envfs.core.access.roles import Capability
from envfs.errors import NoSuchLevel, NotRunning
from envfs.protocol.control import Done, ListReaders, ReaderRow
from envfs.service.access import rights
from envfs.service.holding import readers
from envfs.service.holding.readers import LevelReader


async def list_readers(call: Call, request: ListReaders) -> Sent:
    """Send the processes that have a level open or read it. Raises NotRunning where nothing is mounted."""
    level, service = names.parse_level(request.level), call.service
    if not service.lasts:
        raise NotRunning("no daemon is running, so nobody has a level open", "`envfs mount` starts it")
    if not service.open_vault.vault.exists(level):
        raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")
    shown = (each for each in readers.level_readers(service, level) if _may_know(call, each.reading.request.level))
    await call.send_rows(map(_row, shown))
    return Sent(Done())


def _may_know(call: Call, level: str) -> bool:
    # of a level below, which another rule may be about
    return rights.may(call.service, call.caller, Capability.LOG, level)


def _row(reader: LevelReader) -> ReaderRow:
    (caller, request, version, _), state = reader
    return ReaderRow(
        level=request.level,
        version=version,
        format=request.format,
        channel=request.channel,
        uid=caller.uid,
        user=user_name(caller.uid),
        pid=caller.pid,
        executable=caller.executable,
        state=state,
        seconds=reader.seconds_ago,
    )
