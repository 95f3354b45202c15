"""The request of a program to a person. Open to every uid: the gate decides about the names."""

from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.views import tell_waiting
from envfs.core import names
from envfs.core.access.rule_table import parse_digest
from envfs.core.approvals.petition import Petition, PetitionKind
from envfs.errors import BadRequest, NotApproved
from envfs.gate.approvals.board import Patience
from envfs.protocol.control import AskPerson, Done
from envfs.service.access.petitions import ask_for


async def ask_person(call: Call, request: AskPerson) -> Sent:
    """Wait until a person did what is asked for.

    Raises:
        BadRequest: it is asked for wrongly
        NotApproved: the client's process cannot be seen
    """
    level, asked_for = names.parse_level(request.level), tuple(map(names.parse_variable, request.names))
    is_single = request.kind == PetitionKind.SET
    if request.kind not in tuple(PetitionKind) or not asked_for or (is_single and len(asked_for) > 1):
        raise BadRequest("an unknown petition", "it is `read` of some variables, or `set` of one")
    process = None if is_single else call.peer.process()
    if process is None and not is_single:
        raise NotApproved("this process cannot be seen, so no right can end with it")
    token = "" if is_single else parse_digest(request.token)
    if not (token or is_single):
        raise BadRequest("a right is given to a token", "send the digest of one")
    petition = Petition(PetitionKind(request.kind), asked_for, token, process)
    patience = Patience(call.left, lambda: request.reason, partial(tell_waiting, call))
    await ask_for(call.service, call.caller, level, petition, patience)
    return Sent(Done())
