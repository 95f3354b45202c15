"""The version that a request means by a step back or a time."""

from envfs.control.call import Call
from envfs.core import record
from envfs.core.access_request import AccessRequest
from envfs.core.version_choice import VersionChoice
from envfs.errors import BadRequest
from envfs.protocol.control import ChosenRow


async def choose_version(call: Call, access: AccessRequest, number: int, moment: str) -> AccessRequest:
    """Return a request with the version that is meant, and tell the client where it could not know the number.

    Raises:
        BadRequest: both a number and a moment, or a moment that is none
    """
    if moment and (number or not record.is_time(moment)):
        raise BadRequest("not a version")
    choice, open_vault = VersionChoice(number, moment), call.service.open_vault
    access = open_vault.reader.choose(call.caller, access, choice)
    if choice.is_open:
        time = open_vault.vault.header(access.level, access.version).time if access.version else ""
        await call.send_row(ChosenRow(access.level, access.version, time))
    return access
