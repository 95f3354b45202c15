"""A machine enters a vault for one command: the engine gives what the machine may open, and nothing lasts.

Laws: this home was made for it, and is empty. The vault that is entered is the one that the join secret names: its
founder signed, or let others sign, all that is taken. The identity goes to the keyholder unread, and is in no file.
"""

from contextlib import suppress

from envfs.core import record
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.names import ROOT
from envfs.core.visible_text import visible_text
from envfs.errors import BadRequest, EnvFSError, RolledBack
from envfs.protocol.control import EnterVault
from envfs.service.keys.identity import load_identity
from envfs.service.maintenance import shared_engine
from envfs.service.members.tending import renew_machine
from envfs.service.service import Service
from envfs.service.sharing.fetching import fetch_all
from envfs.vault.description import Description
from envfs.vault.vault import write_vault


async def enter_vault(
    service: Service, caller: Caller, request: EnterVault, identity: tuple[int, ...]
) -> tuple[str, ...]:
    """Take part in a vault by a machine's identity, until this daemon ends. Return what the engine gave and is refused.

    Raises:
        BadRequest: this daemon is not one for a machine's one command
        StoreUnavailable: the engine is out of reach
        NotApproved: the engine, or the vault, does not have this machine any more
        RolledBack: the engine's list of members is older than the join secret
    """
    if not service.is_passing:
        raise BadRequest("a daemon that lasts enters no vault", "`envfs member join` makes a home that lasts")
    about = Description(request.vault, request.created, request.recipient, request.signing_key)
    shared_engine.check_engine(service, request.engine)
    write_vault(service.store, about)
    service.settings.write_entered(about.signing_key, request.engine)
    vault = service.open_vault.vault  # its sharing begins
    await fetch_all(service.sharing, opened=False)  # the list of members needs no identity
    data = vault.read(record.MEMBERS, request.seq)
    if data is None or record.digest(data) != request.digest:
        raise RolledBack("the engine has an older list of members than this machine was invited by, or another one")
    await load_identity(service, (), given=identity)
    service.book.give(Rule(ROOT, caller.uid))
    with suppress(EnvFSError):  # it goes on as long as it has time
        await renew_machine(service)
    await fetch_all(service.sharing, opened=True)
    return tuple(
        f"{visible_text(stream)}: {visible_text(refusal.fault)}"
        for stream, refusal in service.sharing.facts.refused.items()
    )
