"""The request for what is set at a level. Open to every uid: the gate decides."""

from contextlib import aclosing
from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.chosen_version import choose_version
from envfs.control.requests.writers import may_guess
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import BadRequest
from envfs.gate.presence import PresenceQuery
from envfs.protocol.control import Done, ListPresence, PresenceRow


async def list_presence(call: Call, request: ListPresence) -> Sent:
    """Send whether variables are set, and since when.

    Raises:
        BadRequest: a version of the past of several levels
    """
    for name in request.only:
        names.parse_variable(name)
    if request.below and (request.version or request.moment):
        raise BadRequest("several levels have no version in common")
    access = AccessRequest(names.parse_level(request.level), Channel.SOCKET, Format.PRESENCE)
    access = await choose_version(call, access, request.version, request.moment)
    query = PresenceQuery(request.only, partial(may_guess, call), request.below, request.ages)
    listing = call.service.open_vault.presences.list_presence(call.caller, access, query)
    async with aclosing(listing) as pages:  # the client may leave in between
        async for some in pages:
            await call.send_rows(PresenceRow(*row) for row in some)
    return Sent(Done())
