"""The identity of a daemon that starts: somebody may have let it in while no daemon ran here to hear of it.

Law: nothing is fetched where the identity opens the vault as it is here.
"""

import os

import trio

from envfs.core import record
from envfs.errors import NotApproved
from envfs.host.supervision import supervised_nursery
from envfs.service.keys import identity
from envfs.service.service import Service

_PATIENCE = 30.0  # for an engine that has to be connected to first


async def load_approved_identity(service: Service, passphrase: tuple[int, ...]) -> None:
    """Open the identity, if need be after a look for entries of the list of members at the engine.

    Raises:
        NotApproved: nobody has let this device in, as far as is known here
        WrongPassphrase: it does not open, or needs a passphrase
    """
    try:
        await identity.load_identity(service, passphrase)
    except NotApproved as error:
        if not await _hear_of_members(service):
            raise _without_contact(service, error) from None
    else:
        return
    for descriptor in passphrase:
        os.lseek(descriptor, 0, os.SEEK_SET)
    await identity.load_identity(service, passphrase)


async def _hear_of_members(service: Service) -> bool:
    # by a pass of its own: the daemon has contact for good once it serves
    sharing, vault = service.sharing, service.open_vault.vault
    if not sharing.address():
        return False
    last_heard = vault.last(record.MEMBERS)
    async with supervised_nursery() as tasks:
        tasks.keep(sharing.run)
        with trio.move_on_after(_PATIENCE):
            while not sharing.facts.connected and not sharing.facts.problem:
                await sharing.changed()
        tasks.cancel()
    return vault.last(record.MEMBERS) > last_heard


def _without_contact(service: Service, error: NotApproved) -> NotApproved:
    problem = service.sharing.facts.problem
    if not problem:
        return error
    return NotApproved(f"{error.text}, as far as this machine knows: {problem}", error.hint)
