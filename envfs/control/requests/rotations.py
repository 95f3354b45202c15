"""The request for what is due for rotation. Open to every uid: the gate decides at each level."""

from contextlib import aclosing
from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.damage import fault_row
from envfs.control.requests.writers import may_guess
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import BadRequest, Locked
from envfs.gate.rotations import Rotation, RotationQuery
from envfs.host import clocks
from envfs.protocol.control import Done, ListRotations, RotationRow

_HIDDEN = "this caller may write {} and not read it, so it does not learn how old the values are"


async def list_rotations(call: Call, request: ListRotations) -> Sent:
    """Send the variables that are due, or that are asked for.

    Raises:
        BadRequest: the time within which they are due is negative
        NoSuchLevel: there is no such level
    """
    open_vault, level = call.service.open_vault, names.parse_level(request.level)
    if request.name:
        names.parse_variable(request.name)
    if request.within < 0:
        raise BadRequest("a time that is over is none to look ahead")
    open_vault.reader.check(call.caller, AccessRequest(level, Channel.SOCKET, Format.NAMES))
    author_names, notes = call.service.author_names(), []
    guesses = partial(may_guess, call)
    query = RotationQuery(level, clocks.wall_time(), guesses, request.within, request.every, request.name)
    async with aclosing(open_vault.rotations.list_rotations(call.caller, query)) as pages:  # the client may leave
        async for some in pages:
            for rotation in some:
                if isinstance(rotation.error, Locked):
                    notes.append(f"{rotation.error.text}, and was not looked at")
                elif rotation.error is not None:
                    await call.send_row(fault_row(rotation.level, rotation.error))
                else:
                    await call.send_row(_row(rotation, author_names.get(rotation.author, "")))
                    notes += [_HIDDEN.format(rotation.level)] * rotation.hides_age
    return Sent(Done(tuple(dict.fromkeys(notes))))


def _row(rotation: Rotation, author_name: str) -> RotationRow:
    said = rotation.directives
    return RotationRow(
        rotation.level,
        rotation.name,
        rotation.judgement.state,
        rotation.judgement.due,
        rotation.version,
        rotation.since,
        rotation.author,
        author_name,
        rotation.exact,
        max(0, said.every),
        said.expires,
        said.overlap_until,
        said.owner,
        said.kind,
        rotation.has_hooks,
        said.with_command,
        said.from_command,
    )
