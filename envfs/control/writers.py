"""Callers that write: by which rule they may, and what they may be told of it."""

from envfs.control.call import Call
from envfs.core import events
from envfs.core.access.roles import Capability
from envfs.errors import NotApproved
from envfs.service import rights


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
        raise NotApproved(f"no rule gives uid {call.caller.uid} `write` at {level}", "ask the owner")
