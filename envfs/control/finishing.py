"""Finishing a change of keys: the levels that it left behind are sealed anew, and the key files before it forgotten."""

from contextlib import suppress

from envfs.control.service import House
from envfs.core.policy import Caller
from envfs.errors import EnvFSError
from envfs.gate.writing import Operation


async def finish(house: House, caller: Caller, project: str) -> list[tuple[str, int]]:
    """Finish a project's last change; returns each level that was sealed anew, and its version.

    Raises:
        Locked: the project is
    """
    behind = await house.keys.behind(project)
    done = [(level, (await house.writer.write(caller, Operation("reseal", level))).version) for level in behind]
    house.keys.forget_old(project)
    return done


async def finish_changes(house: House, caller: Caller) -> None:
    """Finish what broke off in any project; one that is locked, or damaged, waits and keeps no other from it."""
    for project in house.vault.projects():
        with suppress(EnvFSError):
            if house.vault.has_old_keys(project):
                await finish(house, caller, project)
