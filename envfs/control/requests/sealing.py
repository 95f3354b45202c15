"""The request for a view's values, sealed for others than this machine."""

from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.views import tell_waiting
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import BadRequest, NoSuchVariable
from envfs.gate.approvals.board import Patience
from envfs.gate.sealed_values import seal_values
from envfs.protocol.control import VIEW_END, SealView, ViewSealed

_LONGEST_KEY, _LONGEST_LABEL = 4096, 512  # characters


async def seal_view(call: Call, request: SealView) -> Sent:
    """Send the values of a view, each sealed. To whoever has the key it is a read of them.

    Raises:
        NotApproved: the caller may not have the values, or gets placeholders
        NoSuchVariable: the level has none of a name that the caller asks for
        BadRequest: the key or the label is too long
    """
    level, open_vault = names.parse_level(request.level), call.service.open_vault
    for name in request.only:
        names.parse_variable(name)
    if len(request.key) > _LONGEST_KEY or len(request.label) > _LONGEST_LABEL:
        raise BadRequest("a key or a label is too long")
    face = open_vault.gate.face(call.caller, level)
    access = AccessRequest(level, Channel.EXPORT, Format.ENVIRON, 0, face, tuple(request.only))
    if face.masked:
        open_vault.gate.refuse(call.caller, access, "placeholders alone")
    patience = Patience(call.left, lambda: request.reason, partial(tell_waiting, call))
    view = await open_vault.reader.view(call.caller, access, patience)
    try:
        defined = [name for name, _ in view.origins()]
        if not set(request.only) <= set(defined):
            raise NoSuchVariable(f"{level} has no variable of that name", f"`envfs show {level}` lists them")
        chosen = tuple(name for name in defined if not request.only or name in request.only)
        sealed = await seal_values(open_vault.vault, call.service.keyholder, view, chosen, request.key, request.label)
        reply = ViewSealed(level, view.version, len(chosen))
    finally:
        view.release()
    return Sent(reply, (sealed, VIEW_END))
