"""Callers that write: by which rule they may, and what they may be told of it."""

from envfs.control.call import Call
from envfs.core import events, names
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.operations import Operation
from envfs.core.rotation import RotationPhase
from envfs.errors import NoSuchLevel, NotApproved
from envfs.service.access import rights
from envfs.service.writer import LevelChange

_IN_PARTS = (Operation.SET, Operation.UNSET)
_NEW_VALUES = (RotationPhase.DIRECT, RotationPhase.BEGIN)


def is_owner(call: Call) -> bool:
    """Tell whether the caller is the daemon's own user."""
    return call.caller.is_user(call.service.owner)


def may_compare(call: Call, level: str) -> bool:
    """Tell whether the caller may know if a change changed anything: that says whether a guess at a value was right."""
    return call.service.open_vault.gate.may_compare(call.caller, level)


def may_guess(call: Call, level: str) -> bool:
    """Tell whether the caller may write values at a level, and does not get each value there: placeholders are none.

    A version without a change would say to it that it was given what was there, and so would an age.
    """
    if may_compare(call, level):
        return False
    return rights.may(call.service, call.caller, Capability.WRITE, level)


def admit_past(call: Call, level: str, name: str) -> bool:
    """Record that the caller learns who got which value of a variable. Tells whether it may compare these.

    Raises:
        NotApproved: it may not, or could tell by it whether a guess at a value is right. That is on the log
    """
    exact = call.service.open_vault.reader.admit_past(call.caller, level, name)
    can_write = (rights.may(call.service, call.caller, Capability.WRITE, step) for step in names.chain(level))
    if not exact and any(can_write):
        event = events.refused_request("ListHolders", level, Capability.READ)
        call.service.refusals.record(event, call.caller)
        text = f"this caller may write {name} and not read it, so it does not learn who has which value"
        raise NotApproved(text, "ask the owner")
    return exact


def writing_rule(call: Call, level: str) -> str:
    """Return the rule by which the caller may write a level, for the log."""
    return "owner" if is_owner(call) else call.service.open_vault.gate.decide(call.caller, level, Capability.WRITE).rule


def admit_source(call: Call, level: str, version: int = 0) -> int:
    """Record that the caller gets a level's own text for a copy. Return the version, that of the newest one for 0.

    Raises:
        NotApproved: it may not have the whole of it. That is on the log
        NoSuchLevel: there is no such level, or it has no such version
    """
    open_vault = call.service.open_vault
    access = AccessRequest(level, Channel.SOCKET, Format.OWN, version)
    open_vault.reader.check(call.caller, access)
    head = open_vault.vault.head(level)
    if head is None:
        raise NoSuchLevel(f"{level} has no text of its own", f"`envfs show {level}` says where each variable is set")
    open_vault.gate.admit_facts(call.caller, access, lambda: open_vault.vault.header(level, version or head.seq))
    return version or head.seq


def note_custody(call: Call, source: str, target: str) -> tuple[str, ...]:
    """Say that what came from one project opens in another way now, if it does."""
    keys, projects = call.service.open_vault.keys, (names.project(source), names.project(target))
    before, now = map(keys.custody, projects)
    if before == now:
        return ()
    return (f"{source} is {before} and {target} is {now}, so the copy opens in another way",)


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
    is_new_value = change.operation is Operation.ROTATE and change.phase in _NEW_VALUES and not change.until
    if change.operation in _IN_PARTS or is_new_value or caller.is_user(call.service.owner):
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
