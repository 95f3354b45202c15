"""The request that searches levels for variables, or for a value. Open to every uid: the gate decides at each level."""

from contextlib import aclosing

from envfs.control.call import Call, Sent
from envfs.control.requests.damage import fault_row
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import BadRequest, Locked
from envfs.gate.search import Query
from envfs.protocol.control import Done, FindVariables, LocationRow

_LONGEST = 256


async def find_variables(call: Call, request: FindVariables) -> Sent:
    """Send where variables are set, or a value stands.

    Raises:
        BadRequest: the pattern is empty, or longer than a name may be
        NoSuchLevel: there is no such level
    """
    if not 0 < len(request.pattern) <= _LONGEST:
        raise BadRequest("a name, or a pattern such as DB_*, says what to look for")
    open_vault, level = call.service.open_vault, names.parse_level(request.level)
    open_vault.reader.check(call.caller, AccessRequest(level, Channel.SOCKET, Format.NAMES))
    value = call.descriptor("the value") if request.by_value else ()
    notes = []
    query = Query(request.pattern, level, value, request.trim)
    async with aclosing(open_vault.search.find(call.caller, query)) as pages:  # the client may leave in between
        async for some in pages:
            for found in some:
                if isinstance(found.error, Locked):
                    notes.append(f"{found.error.text}, and was not searched")
                elif found.error is not None:
                    await call.send_row(fault_row(found.level, found.error))
                else:
                    await call.send_row(LocationRow(found.level, found.version, found.name, found.kind))
    return Sent(Done(tuple(dict.fromkeys(notes))))
