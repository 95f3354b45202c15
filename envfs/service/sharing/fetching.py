"""Waiting until this machine has what the engine has: for a home that begins with nothing.

Law: an engine that is busy is tried again for a while. One that refuses this machine is not.
"""

import trio

from envfs.errors import StoreUnavailable
from envfs.service.sharing.sharing import VaultSharing

_PATIENCE = 30.0  # with an engine that cannot be reached: a server may turn some of many away that come at once


async def fetch_all(sharing: VaultSharing, *, opened: bool) -> None:
    """Wait for a pass over everything that begins now. With `opened` it has to be one that could open what it fetched.

    Raises:
        NotApproved: the engine does not admit this machine
        StoreUnavailable: it cannot be reached
    """
    facts, before, until = sharing.facts, sharing.facts.begun, trio.current_time() + _PATIENCE
    sharing.wake()
    while facts.ended <= before or (opened and facts.waits_for_unlock):
        await sharing.changed()
        failure = facts.take_failure()
        if failure is not None and (not isinstance(failure, StoreUnavailable) or trio.current_time() > until):
            raise failure
