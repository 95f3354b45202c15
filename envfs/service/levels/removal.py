"""Removing a level: a last version with an empty text, by which it is listed no more. Its older versions stay.

Law: the deepest levels go first. So whoever is killed in between has removed some levels whole, and the same request
goes on with the others.
"""

from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.operations import Operation
from envfs.errors import BadRequest, NoSuchLevel
from envfs.service.service import OpenVault
from envfs.service.writer import LevelChange, Result
from envfs.vault.vault import Vault


class Removed(NamedTuple):
    """A level that was removed, and its last version."""

    level: str
    result: Result


def subtree(vault: Vault, level: str) -> list[str]:
    """List a level and those below it that have a text, the deepest first.

    Raises:
        BadRequest: it is the level above all others
        NoSuchLevel: there is no such level
    """
    if level == names.ROOT:
        raise BadRequest("level / is always there", "`envfs ls` lists those below it")
    if not vault.exists(level):
        raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")
    levels = [each for each in vault.levels() if names.within(each, level)]
    return sorted((each for each in levels if vault.head(each)), key=lambda each: (-each.count("/"), each))


async def remove_levels(open_vault: OpenVault, caller: Caller, levels: list[str], change: LevelChange) -> list[Removed]:
    """Remove levels. `change` has the message and the rule that lets the caller write there."""
    removed = []
    for level in levels:
        result = await open_vault.writer.write(caller, change._replace(operation=Operation.REMOVE, level=level))
        removed.append(Removed(level, result))
    return removed
