"""Following an engine again from which this machine was forked: the person's act, with its entries in the log.

Law: views are known by their versions, and these are others now, so none that was made is used again.
"""

from envfs.core import events, record
from envfs.core.access.caller import Caller
from envfs.service.members.sealing import note_pending
from envfs.service.service import Service
from envfs.service.sharing.rejoining import Rejoined


async def rejoin_engine(service: Service, caller: Caller) -> list[str]:
    """Rejoin in all streams that are forked. Returns sentences for the person who asked.

    Raises:
        StoreUnavailable: the engine is away
        Conflict: nothing is forked, or the engine's records are refused
    """
    open_vault = service.open_vault

    def accept(level: str, version: int) -> None:
        service.log.append_durably(events.accepted(level, version), caller)

    try:
        rejoined = await service.sharing.rejoin(accept)
    finally:
        open_vault.views.wipe()
    for one in rejoined:
        if one.before is not None:
            open_vault.tell_came(one.before)
        await service.sharing.wait_sent(one.line.stream)
    await note_pending(service)
    told = [_moved(one) for one in rejoined]
    return [*told, *dict.fromkeys(_consequence(one.line.stream) for one in rejoined)]


def _moved(one: Rejoined) -> str:
    line, first = one.line, one.line.common + 1
    records = f"record {line.last} of this machine is" if line.last == first else f"records {first} to {line.last} are"
    return f"{line.stream} follows the engine from record {first} on: {records} in {one.place}"


def _consequence(stream: str) -> str:
    if record.is_level_stream(stream):
        return "texts of this machine are merged into those of the engine: `envfs sync status` names what cannot be"
    if stream == record.MEMBERS:
        return "what was done to members here has to be done again: `envfs member ls` shows who they are now"
    if record.is_key_stream(stream):
        return "keys that were made here seal nothing more"
    return "what was forgotten here may have to be forgotten again: `envfs verify` says so"
