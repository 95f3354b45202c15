"""Requests that change a level: for callers whom a rule lets write there."""

import os

from envfs.control.call import Call, Sent
from envfs.control.requests import writers
from envfs.control.requests.chosen_version import choose_version
from envfs.core import events, names
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.dangling import DanglingKind
from envfs.core.operations import Operation
from envfs.core.rotation import NEXT, PREVIOUS, RotationPhase, later
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import AuditUnavailable, BadRequest, EnvFSError, Locked, NoSuchLevel, NotApproved, StoreUnavailable
from envfs.host import clocks
from envfs.protocol.answers import Dangling, Sealed
from envfs.protocol.control import (
    CheckWrite,
    CopyVariables,
    Done,
    ImportText,
    RenameVariable,
    Rollback,
    RotateVariable,
    SetVariable,
    SetVariables,
    UnsetVariable,
    Written,
)
from envfs.service.writer import LevelChange

_MAY_REFER = (Operation.COPY, Operation.TEMPLATE, Operation.UNSET, Operation.RENAME, Operation.RESTORE)
_FILLS = (Operation.MERGE, Operation.REPLACE)
_MOST_WARNINGS = 20
_NOTHING, _NO_VERSION = "nothing changed", ", so there is no version that the message could be kept with"
_DANGLING = {
    DanglingKind.UNDEFINED: "which is set neither here nor above: `exec` takes it from its environment; "
    "single quotes keep a $",
    DanglingKind.LATER: "which is set further down: move it up",
    DanglingKind.CYCLE: "which leads back to it",
}


async def check_write(call: Call, request: CheckWrite) -> Sent:
    """Say what would refuse a new value of a variable, whatever it is.

    Raises:
        Locked: the key that would seal it is not held
        StoreUnavailable: the vault cannot be written
        AuditUnavailable: the log cannot be
    """
    service, open_vault = call.service, call.service.open_vault
    refuse_credential(names.parse_variable(request.name), "the name")
    project = names.project(names.parse_level(request.level))
    if not open_vault.vault.exists(names.parse_level(request.level)):
        refuse_credential(request.level, "the level's name")
    if not os.access(service.places.vault, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the vault at {service.places.vault} cannot be written")
    if open_vault.vault.key_head(project) is not None:
        await open_vault.keys.describe(project)
    elif not service.locks.unlocked:
        raise Locked("the vault is locked", "unlock it with `envfs unlock`")
    if problem := service.log.look():
        raise AuditUnavailable(problem, "`envfs status` says more")
    return Sent(Done())


async def set_variable(call: Call, request: SetVariable) -> Sent:
    """Set one variable."""
    name = names.parse_variable(request.name)
    operation = Operation.TEMPLATE if request.template else Operation.SET
    level = names.parse_level(request.level)
    change = LevelChange(operation, level, name, trim=request.trim, message=request.message, canary=request.canary)
    sent = await _write(call, change, call.descriptor("the value"))
    call.service.open_vault.approvals.board.fulfil(level, (name,), call.caller)
    return sent


async def set_variables(call: Call, request: SetVariables) -> Sent:
    """Set several variables in one version. Raises BadRequest for none, or for one twice."""
    several = tuple(map(names.parse_variable, request.names))
    if not several or len({*several}) < len(several):
        raise BadRequest("name each variable once")
    operation = Operation.TEMPLATE if request.template else Operation.SET
    level = names.parse_level(request.level)
    change = LevelChange(operation, level, trim=request.trim, message=request.message, names=several)
    sent = await _write(call, change, call.descriptor("the values"))
    call.service.open_vault.approvals.board.fulfil(level, several, call.caller)
    return sent


async def unset_variable(call: Call, request: UnsetVariable) -> Sent:
    """Remove one variable from a level's own text."""
    level, name = names.parse_level(request.level), names.parse_variable(request.name)
    return await _write(call, LevelChange(Operation.UNSET, level, name, message=request.message))


async def rename_variable(call: Call, request: RenameVariable) -> Sent:
    """Give one variable another name. Raises NotApproved for one who may not see names."""
    name, new_name = names.parse_variable(request.name), names.parse_variable(request.new_name)
    level = names.parse_level(request.level)
    _check_names(call, level, request, "rename")
    return await _write(call, LevelChange(Operation.RENAME, level, name, new_name=new_name, message=request.message))


async def rotate_variable(call: Call, request: RotateVariable) -> Sent:
    """Take one step of a rotation. Raises NotApproved for one who may not see names, BadRequest for no phase."""
    name, level = names.parse_variable(request.name), names.parse_level(request.level)
    for other in (NEXT, PREVIOUS):
        names.parse_variable(name + other)
    if request.phase not in list(RotationPhase) or request.overlap < 0:
        raise BadRequest("an unknown step of a rotation")
    _check_names(call, level, request, "rotate")
    phase = RotationPhase(request.phase)
    until = later(clocks.wall_time(), request.overlap) if request.overlap else ""
    change = LevelChange(
        Operation.ROTATE, level, name, trim=request.trim, message=request.message, phase=phase, until=until
    )
    is_told = phase is RotationPhase.APPLY and bool(call.descriptors)  # of the value that was applied
    has_value = is_told or phase in (RotationPhase.DIRECT, RotationPhase.BEGIN)
    return await _write(call, change, call.descriptor("the value") if has_value else ())


def _check_names(call: Call, level: str, request: object, doing: str) -> None:
    if not call.caller.is_user(call.service.owner) and not _may_name(call, level):
        event = events.refused_request(type(request).__name__, level, Capability.NAMES)
        call.service.refusals.record(event, call.caller)
        raise NotApproved(f"to {doing} tells which names are set, so it takes `names` too", "ask the owner")


async def import_text(call: Call, request: ImportText) -> Sent:
    """Merge a dotenv text into a level, or put it in the level's place."""
    operation = Operation.REPLACE if request.replace else Operation.MERGE
    level = names.parse_level(request.level)
    change = LevelChange(operation, level, dry=request.dry, message=request.message, expected=request.expected)
    if request.dry:
        # whoever is told which values are the same can guess at them: that is reading, and is on the log
        call.service.open_vault.gate.admit_facts(
            call.caller, AccessRequest(change.level, Channel.SOCKET, Format.COMPARE)
        )
    return await _write(call, change, call.descriptor("the text"))


async def rollback(call: Call, request: Rollback) -> Sent:
    """Write a new version with the text of an old one, or its variables. Raises NoSuchLevel for version 0."""
    level = names.parse_level(request.level)
    if request.version < 1:
        raise NoSuchLevel("versions count from 1", f"`envfs history {level}` lists them")
    several = tuple(map(names.parse_variable, request.names))
    change = LevelChange(
        Operation.RESTORE, level, restore_version=request.version, message=request.message, names=several
    )
    return await _write(call, change)


async def copy_variables(call: Call, request: CopyVariables) -> Sent:
    """Copy variables of another level, or move them here.

    Raises:
        BadRequest: it is the same level, or the variables of an old version are to be moved
        NoSuchLevel: there is no such level, or it has no such version
        NotApproved: the caller may not have all that the source holds, or may not write there
    """
    level, source = names.parse_level(request.level), names.parse_level(request.source)
    if level == source:
        raise BadRequest(f"source and target are one level, {level}", "name two")
    if request.move and (request.version or request.moment or not request.names):
        raise BadRequest("variables are moved by their names, and from the newest version alone")
    if request.move:
        writers.check_writing(call, source, type(request).__name__)
    access = AccessRequest(source, Channel.SOCKET, Format.OWN)
    access = await choose_version(call, access, request.version, request.moment)
    change = LevelChange(
        Operation.COPY,
        level,
        restore_level=source,
        restore_version=writers.admit_source(call, source, access.version),
        names=tuple(map(names.parse_variable, request.names)),
        message=request.message,
    )
    copied = await _write(call, change)
    notes = writers.note_custody(call, source, level)
    if request.move:
        unset = LevelChange(Operation.UNSET, source, names=change.names, message=request.message)
        moved = await _write(call, unset)
        version = f", which is at version {moved.reply.version}" if isinstance(moved.reply, Written) else ""
        notes = (*notes, f"{', '.join(change.names)} is not set at {source} any more{version}")
    reply = copied.reply
    return Sent(reply._replace(notes=(*reply.notes, *notes)) if isinstance(reply, Written) else reply)


async def _write(call: Call, change: LevelChange, descriptors: tuple[int, ...] = ()) -> Sent:
    writers.check_part(call, change)
    if not writers.is_owner(call):
        rule = writers.writing_rule(call, change.level)
        change = change._replace(rule=rule, quiet=not _may_name(call, change.level))
    is_told = change.dry or writers.may_compare(call, change.level)
    result = await call.service.open_vault.writer.write(call.caller, change._replace(always=not is_told), descriptors)
    if not is_told:
        return Sent(Written(change.level, result.version if writers.is_owner(call) else 0))
    if result.changes is None:
        if not change.dry:  # else the log has it
            access = AccessRequest(change.level, Channel.SOCKET, Format.COMPARE)
            call.service.open_vault.gate.admit_facts(call.caller, access)
        return Sent(Written(change.level, result.version, notes=(_NOTHING + _NO_VERSION * bool(change.message),)))
    sealed = result.changes
    overtaken = (
        f"{name} was changed by another writer too, in version {version}, while this was under way"
        for name, version in result.overtaken
    )
    notes = (*sealed.notes, *overtaken, *(() if change.dry else await _warnings(call, change, sealed)))
    return Sent(Written(change.level, result.version, sealed.added, sealed.changed, sealed.removed, notes))


def _may_name(call: Call, level: str) -> bool:
    return call.service.open_vault.gate.allows(call.caller, level, Capability.NAMES)


def _stands_below_another(call: Call, level: str) -> bool:
    # what the levels above refer to may come to nothing here as well, however plain the text is
    return any(call.service.open_vault.vault.head(above) for above in names.chain(level)[:-1])


def _target(dangling: Dangling) -> str:
    if dangling.kind is not DanglingKind.UNDEFINED:
        return dangling.chain[-1]
    column = f", column {dangling.column}" * (dangling.column > 0)
    return f"a name at line {dangling.line}{column} of {dangling.level}"


async def _warnings(call: Call, change: LevelChange, sealed: Sealed) -> tuple[str, ...]:
    # what is written is written: a reference that comes to nothing yet may be what the levels below are to set
    gate, level = call.service.open_vault.gate, change.level
    filled = change.operation in _FILLS
    if not (sealed.doubtful or filled or change.operation in _MAY_REFER):
        return ()
    if not gate.allows(call.caller, level):
        return ()  # who may write may not read for that: the names above are for those who are approved
    try:
        if filled and not sealed.doubtful and not _stands_below_another(call, level):
            return ()
        reader = call.service.open_vault.reader
        examined = await reader.facts(call.caller, AccessRequest(level, Channel.SOCKET, Format.NAMES), doubtful=True)
    except EnvFSError as error:
        return (error.text,)
    written = {*sealed.added, *sealed.changed}
    warnings = [
        *(
            f"{dangling.chain[0]} refers to {_target(dangling)}, {_DANGLING[dangling.kind]}"
            for dangling in examined.dangling
        ),
        *(
            f"{facts.name} {facts.refused}: the level's dialect cannot carry it"
            for facts in examined.variables
            if facts.refused
        ),
        *(f"{facts.name}: {doubt}" for facts in examined.variables if facts.name in written for doubt in facts.doubts),
    ]
    left_out = len(warnings) - _MOST_WARNINGS
    return (*warnings[:_MOST_WARNINGS], *([f"{left_out} more: `envfs check {level}`"] if left_out > 0 else ()))
