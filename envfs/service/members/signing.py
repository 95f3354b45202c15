"""The next entry of the list of members: made for the list as it is, signed, stored, made again if it was overtaken.

Laws: the entry in the access log is on the disk before that of the list is stored. The keyholder signs nothing that
does not follow. No record is taken from an engine between the look at the last ones that count and the entry that names
them: one that was taken meanwhile would be there, and count for nothing.
"""

from collections.abc import Callable

import trio

from envfs.core import events, record
from envfs.core.access.caller import Caller
from envfs.core.membership.entries import MemberEntry, entry_payload
from envfs.core.membership.members import Members
from envfs.core.operations import KeyOperation
from envfs.core.record import Point
from envfs.errors import Conflict
from envfs.host import clocks
from envfs.protocol.keyholding import SignEntry, Stated
from envfs.service.members.listing import load_members
from envfs.service.service import Service
from envfs.vault.vault import Vault

_TRIES = 20


async def append_entry(
    service: Service,
    caller: Caller,
    make: Callable[[Members], MemberEntry],
    descriptors: tuple[int, ...] = (),
    before: Callable[[], None] = lambda: None,
    last: Callable[[Vault], tuple[tuple[str, Point], ...]] | None = None,
) -> Members:
    """Sign and store what `make` makes of the list. Returns the list with it. `before` is called before it is stored.

    With `last` the entry gets the last records that count, which that returns in a thread.

    Raises:
        NotApproved: this identity has no right to it
        Conflict: others kept taking the number
    """
    vault = service.open_vault.vault
    for _ in range(_TRIES):
        async with service.sharing.taking_nothing():
            members = await load_members(service)
            entry = make(members)
            if last is not None:
                entry = entry._replace(last=await trio.to_thread.run_sync(last, vault))
            blobs: list[bytes] = []
            place = vault.next_place(record.MEMBERS)
            request = SignEntry(place, clocks.wall_time(), entry_payload(entry), vault.add_members(blobs))
            data = (await service.keyholder.ask(request, Stated, blobs, descriptors)).blobs[0]
            before()
            if await service.sharing.offer(record.record_key(record.MEMBERS, place.seq), data):
                about = f"{entry.kind}, entry {place.seq} of the members"
                service.log.append_durably(events.identity_changed(KeyOperation.MEMBERS, about), caller)
                if vault.append_member(place.seq, data):
                    return await load_members(service)
    raise Conflict("others keep changing the members of the vault", "try again")
