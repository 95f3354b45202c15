"""Requests that change a level. For the owner only."""

import os

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.errors import AuditUnavailable, EnvFSError, Locked, NoSuchLevel, StoreUnavailable
from envfs.gate.gate import Wish
from envfs.protocol.answers import Sealed
from envfs.protocol.control import (
    CheckWrite,
    Done,
    ImportText,
    RenameVariable,
    Rollback,
    SetVariable,
    UnsetVariable,
    Written,
)
from envfs.service.writer import Operation

_MAY_REFER = ("template", "unset", "rename", "restore")
_FILLS = ("merge", "replace")
_MOST_WARNINGS = 20
_DANGLING = {
    "undefined": "which is set neither here nor above: `exec` takes it from its environment; single quotes keep a $",
    "later": "which is set further down: move it up",
    "cycle": "which leads back to it",
}


async def check_write(call: Call, request: CheckWrite) -> Sent:
    """Say what would refuse a new value of a variable, whatever it is.

    Raises:
        Locked: the key that would seal it is not held
        StoreUnavailable: the vault cannot be written
        AuditUnavailable: the log cannot be
    """
    service, house = call.service, call.service.house
    names.variable(request.name)
    project = names.project(names.level(request.level))
    if not os.access(service.places.vault, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the vault at {service.places.vault} cannot be written")
    if house.vault.key_head(project) is not None:
        await house.keys.describe(project)
    elif not service.locks.unlocked:
        raise Locked("the vault is locked", "unlock it with `envfs unlock`")
    if problem := service.log.look():
        raise AuditUnavailable(problem, "`envfs status` says more")
    return Sent(Done())


async def set_variable(call: Call, request: SetVariable) -> Sent:
    """Set one variable."""
    name = names.variable(request.name)
    operation = Operation(
        "template" if request.template else "set", names.level(request.level), name, trim=request.trim
    )
    return await _write(call, operation, call.descriptor("the value"))


async def unset_variable(call: Call, request: UnsetVariable) -> Sent:
    """Remove one variable from a level's own text."""
    return await _write(call, Operation("unset", names.level(request.level), names.variable(request.name)))


async def rename_variable(call: Call, request: RenameVariable) -> Sent:
    """Give one variable another name."""
    name, new_name = names.variable(request.name), names.variable(request.new_name)
    return await _write(call, Operation("rename", names.level(request.level), name, new_name=new_name))


async def import_text(call: Call, request: ImportText) -> Sent:
    """Merge a dotenv text into a level, or put it in the level's place."""
    operation = Operation("replace" if request.replace else "merge", names.level(request.level), dry=request.dry)
    if request.dry:
        # whoever is told which values are the same can guess at them: that is reading, and is on the log
        call.service.house.gate.admit_facts(call.caller, Wish(operation.level, "socket", "compare"))
    return await _write(call, operation, call.descriptor("the text"))


async def rollback(call: Call, request: Rollback) -> Sent:
    """Write a new version with the text of an old one."""
    level = names.level(request.level)
    if request.version < 1:
        raise NoSuchLevel("versions count from 1", f"`envfs history {level}` lists them")
    return await _write(call, Operation("restore", level, restore_version=request.version))


async def _write(call: Call, operation: Operation, descriptors: tuple[int, ...] = ()) -> Sent:
    result = await call.service.house.writer.write(call.caller, operation, descriptors)
    if result.changes is None:
        return Sent(Written(operation.level, result.version, notes=("nothing changed",)))
    changed = result.changes
    notes = changed.notes if operation.dry else (*changed.notes, *await _warnings(call, operation, changed))
    return Sent(Written(operation.level, result.version, changed.added, changed.changed, changed.removed, notes))


def _stands_below_another(call: Call, level: str) -> bool:
    # what the levels above refer to may come to nothing here as well, however plain the text is
    return any(call.service.house.vault.head(above) for above in names.chain(level)[:-1])


async def _warnings(call: Call, operation: Operation, changed: Sealed) -> tuple[str, ...]:
    # what is written is written: a reference that comes to nothing yet may be what the levels below are to set
    gate, level = call.service.house.gate, operation.level
    filled = operation.verb in _FILLS
    if not (changed.doubtful or filled or operation.verb in _MAY_REFER):
        return ()
    if gate.decide(call.caller, level).decision != "allow":
        return ()  # who may write may not read for that: the names above are for those who are approved
    try:
        if filled and not changed.doubtful and not _stands_below_another(call, level):
            return ()
        reader = call.service.house.reader
        examined = await reader.facts(call.caller, Wish(level, "socket", "names"), doubtful=True)
    except EnvFSError as error:
        return (error.text,)
    written = {*changed.added, *changed.changed}
    found = [
        *(f"{each.chain[0]} refers to {each.chain[-1]}, {_DANGLING[each.kind]}" for each in examined.dangling),
        *(
            f"{facts.name} {facts.refused}: the level's dialect cannot carry it"
            for facts in examined.variables
            if facts.refused
        ),
        *(f"{facts.name}: {doubt}" for facts in examined.variables if facts.name in written for doubt in facts.doubts),
    ]
    rest = len(found) - _MOST_WARNINGS
    return (*found[:_MOST_WARNINGS], *([f"{rest} more: `envfs check {level}`"] if rest > 0 else ()))
