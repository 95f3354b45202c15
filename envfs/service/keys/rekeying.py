"""Finishing a change of a project's keys: levels are sealed again, then the key files before the newest are forgotten.

Laws: an interrupted change is finished as soon as it can be: by the next change, when the daemon starts, when a new
keyholder does, and when what it takes is unlocked; nobody who has left is waited for meanwhile.
"""

from contextlib import suppress

from envfs.core.access.caller import Caller
from envfs.core.names import Project
from envfs.core.operations import Operation
from envfs.errors import AuthenticationFailed, EnvFSError, UnsupportedFormat
from envfs.protocol.control import ResealedRow
from envfs.service.service import OpenVault
from envfs.service.writer import LevelChange


async def finish_rekeying(
    open_vault: OpenVault, caller: Caller, project: Project, message: str = ""
) -> list[ResealedRow]:
    """Finish a project's last change. Returns the levels that were sealed again.

    A level that cannot be sealed again keeps no other one from it. `message` goes with the new versions.

    Raises:
        Locked: the project is
        UnsupportedFormat: a level needs an extension that this release does not know
        AuthenticationFailed: a level is damaged
    """
    done = []
    refusals: list[EnvFSError] = []
    for level in await open_vault.keys.behind(project):
        try:
            result = await open_vault.writer.write(caller, LevelChange(Operation.RESEAL, level, message=message))
        except (AuthenticationFailed, UnsupportedFormat) as error:
            refusals.append(error)
        else:
            done.append(ResealedRow(level, result.version))
    if refusals:  # the old key files stay, as the sign that the change is not finished
        raise refusals[0]
    await open_vault.keys.forget_old(project)
    return done


async def finish_all(open_vault: OpenVault, caller: Caller) -> None:
    """Finish interrupted changes. A project that is locked, or cannot be read, waits and keeps no other one waiting."""
    for project in open_vault.vault.projects():
        with suppress(EnvFSError):
            if open_vault.vault.has_old_keys(project):
                async with open_vault.changing:
                    await finish_rekeying(open_vault, caller, project)
