"""Deciding a conflict: a version that waited, and a variable that another machine changed first.

Law: what a person gives up goes only once it is decided, and a version that takes its place is stored before it goes.
"""

from envfs.core.access.caller import Caller
from envfs.core.operations import Operation
from envfs.errors import BadRequest, NoSuchLevel
from envfs.service.service import Service
from envfs.service.writer import LevelChange


async def resolve_conflicts(service: Service, caller: Caller, level: str, *, mine: bool) -> int:
    """Decide all conflicts of a level, by this machine's values or by the others'. Returns the level's version.

    Raises:
        NoSuchLevel: there is none
        BadRequest: only comments are in conflict, which this machine's side cannot be taken of
    """
    outbox, vault = service.sharing.store.outbox, service.open_vault.vault
    conflicts = [conflict for conflict in outbox.conflicts() if conflict.level == level]
    if not conflicts:
        raise NoSuchLevel(f"no version of {level} is in conflict", "`envfs sync status` lists those that are")
    if mine and not any(conflict.names for conflict in conflicts):
        hint = f"`envfs edit {level}` changes them, and `envfs sync resolve {level} --theirs` ends the conflict"
        raise BadRequest("only comments and the order of lines are in conflict", hint)
    for conflict in conflicts:
        if mine and conflict.names:
            change = LevelChange(Operation.REBASE, level, rule="sync", names=conflict.names, waiting=conflict)
            await service.open_vault.writer.merge(caller, change)
        outbox.drop_conflict(conflict.number)
    head = vault.head(level)
    return head.seq if head else 0
