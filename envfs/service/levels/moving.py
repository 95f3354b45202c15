"""Moving a level with its versions: each is sealed again for its new place, and then the old level is removed.

Laws: as long as versions are missing, the new level counts as removed. The old one is removed behind the last version.
So whoever is killed in between loses nothing, and the same request goes on where that one stopped.
"""

from contextlib import suppress

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.operations import Operation
from envfs.errors import AlreadyExists, BadRequest, Conflict
from envfs.gate.keyholder import Keyholder
from envfs.protocol.answers import Compared, VersionChange
from envfs.protocol.keyholding import CompareVersions
from envfs.service.levels.removal import Removed
from envfs.service.progress import Progress
from envfs.service.service import OpenVault
from envfs.service.writer import LevelChange
from envfs.vault.vault import Vault

_TRIES = 20


def destinations(levels: list[str], source: str, target: str) -> dict[str, str]:
    """Return where each of some levels at and below `source` goes.

    Raises:
        BadRequest: the target is the level above all others, or below the source
        BadName: a path would be too long
    """
    if target == source:
        raise BadRequest(f"{source} is at {target} already", "name another level")
    if target == names.ROOT or names.within(target, source):
        reason = "level / is always there" if target == names.ROOT else "that is below itself"
        raise BadRequest(f"{source} cannot be moved to {target}: {reason}", f"`envfs cp {source} {target}` copies it")
    return {level: names.parse_level(target + level.removeprefix(source)) for level in levels}


async def moved_versions(vault: Vault, keyholder: Keyholder, level: str, destination: str) -> int:
    """Return the newest version of a level that a move to `destination` brought there before it was killed, or 0.

    Raises:
        AlreadyExists: there is another level
    """
    head = vault.head(destination)
    if head is None:
        return 0
    is_removed, source = vault.is_removed(destination), vault.head(level)
    change = await change_of(vault, keyholder, destination, head.seq)
    is_ours = (change.operation, change.source_level) == (Operation.MOVE, level)
    if is_ours and (is_removed or (source is not None and source.seq == change.source_version)):
        return change.source_version
    if is_removed:
        return 0
    raise AlreadyExists(f"there is a level {destination} already", f"`envfs cp {level} {destination}` adds to it")


async def change_of(vault: Vault, keyholder: Keyholder, level: str, version: int) -> VersionChange:
    """Return what the record of one version says of itself, and which names it set."""
    async with keyholder.turn():
        layers = vault.layers([(level, version)])
        request = CompareVersions(layers.layers, version)
        return (await keyholder.ask(request, Compared, layers.blobs)).message.versions[0]


async def move_versions(
    open_vault: OpenVault, caller: Caller, change: LevelChange, start: int, progress: Progress
) -> Removed:
    """Bring the versions of a level after `start` to another one, and remove it.

    `change` names the levels: its `level` is the new one, and `restore_level` the old one. Its message goes with the
    last version of each.

    Raises:
        Conflict: others keep writing the old level
    """
    vault, level = open_vault.vault, change.restore_level
    for _ in range(_TRIES):
        head = vault.head(level)
        last = head.seq if head else 0
        for version in (seq for seq in vault.present_versions(level, last + 1) if seq > start):
            one = change._replace(operation=Operation.MOVE, restore_version=version, half=version < last)
            await open_vault.writer.write(caller, one if version == last else one._replace(message=""))
            await progress.advance()
        start = last
        gone = LevelChange(Operation.REMOVE, level, message=change.message or f"moved to {change.level}", expected=last)
        with suppress(Conflict):
            return Removed(level, await open_vault.writer.write(caller, gone))
    raise Conflict(f"others keep writing {level}", "try again")
