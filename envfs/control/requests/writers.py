"""Callers that write: by which rule they may, and what they may be told of it."""

from envfs.control.call import Call
from envfs.core import events
from envfs.core.access.roles import Capability
from envfs.core.operations import Operation
from envfs.errors import NotApproved
from envfs.service import rights
from envfs.service.writer import LevelChange

_IN_PARTS = (Operation.SET, Operation.UNSET)


def is_owner(call: Call) -> bool:
    """Tell whether the caller is the daemon's own user."""
    return call.caller.is_user(call.service.owner)


def may_compare(call: Call, level: str) -> bool:
    """Tell whether the caller may know if a change changed anything: that says whether a guess at a value was right."""
    return call.service.open_vault.gate.may_compare(call.caller, level)


def writing_rule(call: Call, level: str) -> str:
    """Return the rule by which the caller may write a level, for the log."""
    return "owner" if is_owner(call) else call.service.open_vault.gate.decide(call.caller, level, Capability.WRITE).rule


def check_writing(call: Call, level: str, request: str) -> None:
    """Refuse a caller that may not write a level. Raises NotApproved."""
    if not rights.may(call.service, call.caller, Capability.WRITE, level):
        call.service.refusals.record(events.refused_request(request, level, Capability.WRITE), call.caller)
        where = level if call.service.open_vault.reader.knows(call.caller, level) else "a level below it"
        raise NotApproved(f"no rule gives uid {call.caller.uid} `write` at {where}", "ask the owner")


def check_part(call: Call, change: LevelChange) -> None:
    """Refuse a change by one who gets a part of the level, or placeholders, and more than sets and unsets values.

    Raises:
        NotApproved: it is one. That is on the log
    """
    # a reference, or another name, would show a value that the rule of the caller leaves out: as it is, or as the host
    # of an address, which a placeholder shows. And what one does not see one does not remove
    gate, caller = call.service.open_vault.gate, call.caller
    if change.operation in _IN_PARTS or caller.is_user(call.service.owner):
        return
    for level in gate.policy().levels_below(change.level):
        faces = gate.faces(caller, level)
        is_rename = change.operation is Operation.RENAME
        if not all(face.is_whole or (is_rename and not face.masked and face.shows(change.name)) for face in faces):
            event = events.refused_request(change.operation, change.level, Capability.WRITE)
            call.service.refusals.record(event, caller)
            part = "placeholders" if any(face.masked for face in faces) else "some names"
            text = f"a caller that gets {part} only of {level} sets and unsets values at {change.level}, and no more"
            raise NotApproved(text, "ask the owner")
