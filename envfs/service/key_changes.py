"""Changes of projects' keys, from the request to the last level that is sealed again.

Laws: one change goes at a time, and is finished before its end is reported; a project that was locked before is locked
after it.
"""

from typing import NamedTuple

from envfs.core import keyfile
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import Conflict, Locked
from envfs.protocol.control import ResealedRow
from envfs.protocol.keyholding import CreateRecovery, IdentityMade
from envfs.service.locking import lock_now, one_try, unless_locked
from envfs.service.project_keys import Change
from envfs.service.rekeying import finish
from envfs.service.service import Service

_RULE = 100  # as much of a recipient as names it; hybrid ones go on for pages


async def change_keys(
    service: Service, caller: Caller, project: str, change: Change, passphrases: tuple[int, ...]
) -> list[ResealedRow]:
    """Seal a project's keys again and finish that; returns the levels that were sealed again.

    `passphrases` are descriptors: of the present one and of the new one, as far as the change needs them.

    Raises:
        Conflict: the project was locked, or its keys were changed, meanwhile
        WrongPassphrase: the present passphrase does not open its keys
    """
    house, locks, scope = service.house, service.locks, f"/{project}"
    was_locked = house.keys.custody(project) == keyfile.ZERO_KNOWLEDGE and not locks.is_held(scope)
    async with house.changing:
        async with one_try(service, caller, scope, passphrases), unless_locked(service, scope):
            await house.keys.change(caller, project, change, passphrases)
        if change.custody == keyfile.ZERO_KNOWLEDGE and not locks.is_held(scope):
            locks.opened(scope, 0)
        try:
            return await finish(house, caller, project)
        except Locked:  # what is done must not be done again, as a client would that unlocks and asks once more
            hint = "unlocking it finishes that"
            raise Conflict(f"{scope} was locked before all of it was sealed anew", hint) from None
        finally:
            if was_locked and change.custody == keyfile.ZERO_KNOWLEDGE:
                await lock_now(service, caller, "as it was before", scope)


class Recovery(NamedTuple):
    """A recovery recipient: how many projects are sealed to it, and the names of those that are not."""

    recipient: str
    projects: int
    left_out: tuple[str, ...]


async def add_recovery(service: Service, caller: Caller, recipient: str, where: tuple[int, ...]) -> Recovery:
    """Seal every managed project's keys to a recovery recipient as well.

    Without a `recipient` an identity is made, and written to the descriptor in `where`.

    Raises:
        BadRequest: it is no recipient
        Locked: a project is
    """
    house = service.house
    managed = [project for project in house.vault.projects() if house.keys.custody(project) == keyfile.MANAGED]
    if recipient:  # a wrong one is refused before a passphrase is asked for
        await service.keyholder.ask(CreateRecovery(recipient), IdentityMade)
    before = {project: (await house.keys.describe(project)).recipients for project in managed}
    made = (await service.keyholder.ask(CreateRecovery(recipient), IdentityMade, (), where)).message.recipient
    service.log.append(Event("key", "socket", "/", form="recovery", rule=made[:_RULE]), caller)
    service.settings.add_recipient(made)
    for project in managed:
        if made not in before[project]:
            change = Change("recipients", keyfile.MANAGED, (*before[project], made))
            async with house.changing:
                await house.keys.change(caller, project, change, ())
                await finish(house, caller, project)
    others = tuple(project for project in house.vault.projects() if project not in managed)
    return Recovery(made, len(managed), others)
