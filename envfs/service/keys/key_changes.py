"""Changes of projects' keys, from the request to the last level that is sealed again.

Laws: one change goes at a time, and is finished before its end is reported. A project that was locked before is locked
after it.
"""

from typing import NamedTuple

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.operations import KeyOperation
from envfs.core.scope import Scope
from envfs.errors import Conflict, Locked
from envfs.protocol.control import ResealedRow
from envfs.protocol.keyholding import CreateRecovery, IdentityMade
from envfs.service.keys.locking import lock_now, one_try, unless_locked
from envfs.service.keys.rekeying import finish_rekeying
from envfs.service.project_keys import KeyChange
from envfs.service.service import Service


async def change_keys(
    service: Service, caller: Caller, project: Project, change: KeyChange, passphrases: tuple[int, ...]
) -> list[ResealedRow]:
    """Seal a project's keys again and finish that. Returns the levels that were sealed again.

    `passphrases` are descriptors: of the present one and of the new one, as far as the change needs them.

    Raises:
        Conflict: the project was locked, or its keys were changed, meanwhile
        WrongPassphrase: the present passphrase does not open its keys
        UnsupportedFormat: a level needs an extension that this release does not know. The others are sealed again
        AuthenticationFailed: a level is damaged. The others are sealed again
    """
    open_vault, locks, scope = service.open_vault, service.locks, Scope(project)
    was_locked = open_vault.keys.custody(project) == Custody.ZERO_KNOWLEDGE and not locks.is_held(project)
    async with open_vault.changing:
        async with one_try(service, caller, scope, passphrases), unless_locked(service, scope):
            await open_vault.keys.change(caller, project, change, passphrases)
        if change.custody == Custody.ZERO_KNOWLEDGE and not locks.is_held(project):
            locks.opened(scope, 0)
        try:
            return await finish_rekeying(open_vault, caller, project, change.message)
        except Locked:  # what is done must not be done again, as a client would that unlocks and asks once more
            hint = "unlocking it finishes that"
            raise Conflict(f"{scope} was locked before all of it was sealed again", hint) from None
        finally:
            if was_locked and change.custody == Custody.ZERO_KNOWLEDGE:
                await lock_now(service, caller, "as it was before", scope)


class Recovery(NamedTuple):
    """A recovery recipient: how many projects are sealed to it, and the names of those that are not."""

    recipient: str
    projects: int
    left_out: tuple[Project, ...]


async def create_recovery_key(service: Service, caller: Caller, recipient: str, where: tuple[int, ...]) -> Recovery:
    """Seal every managed project's keys to a recovery recipient as well.

    Without a `recipient` an identity is made, and written to the descriptor in `where`.

    Raises:
        BadRequest: it is no recipient
        Locked: a project is
    """
    open_vault = service.open_vault
    managed = [
        project for project in open_vault.vault.projects() if open_vault.keys.custody(project) == Custody.MANAGED
    ]
    if recipient:  # a wrong one is refused before a passphrase is asked for
        await service.keyholder.ask(CreateRecovery(recipient), IdentityMade)
    old_recipients = {project: (await open_vault.keys.describe(project)).recipients for project in managed}
    recovery = (await service.keyholder.ask(CreateRecovery(recipient), IdentityMade, (), where)).message.recipient
    service.log.append(events.identity_changed(KeyOperation.RECOVERY, recovery), caller)
    service.settings.add_recipient(recovery)
    for project in managed:
        if recovery not in old_recipients[project]:
            change = KeyChange(KeyOperation.RECIPIENTS, Custody.MANAGED, (*old_recipients[project], recovery))
            async with open_vault.changing:
                await open_vault.keys.change(caller, project, change, ())
                await finish_rekeying(open_vault, caller, project)
    others = tuple(project for project in open_vault.vault.projects() if project not in managed)
    return Recovery(recovery, len(managed), others)
