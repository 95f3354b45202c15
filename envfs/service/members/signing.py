"""The next entry of the list of members: made for the list as it is, signed, stored, made again if it was overtaken.

Laws: the entry in the access log is on the disk before that of the list is stored. The keyholder signs nothing that
does not follow.
"""

from collections.abc import Callable

from envfs.core import events, record
from envfs.core.access.caller import Caller
from envfs.core.membership.entries import MemberEntry, entry_payload
from envfs.core.membership.members import Members
from envfs.core.operations import KeyOperation
from envfs.errors import Conflict
from envfs.host import clocks
from envfs.protocol.keyholding import SignEntry, Stated
from envfs.service.members.listing import load_members
from envfs.service.service import Service

_TRIES = 20


async def append_entry(
    service: Service,
    caller: Caller,
    make: Callable[[Members], MemberEntry],
    descriptors: tuple[int, ...] = (),
    before: Callable[[], None] = lambda: None,
) -> Members:
    """Sign and store what `make` makes of the list. Returns the list with it. `before` is called before it is stored.

    Raises:
        NotApproved: this identity has no right to it
        Conflict: others kept taking the number
    """
    vault = service.open_vault.vault
    for _ in range(_TRIES):
        members = await load_members(service)
        entry = make(members)
        blobs: list[bytes] = []
        place = vault.next_place(record.MEMBERS)
        request = SignEntry(place, clocks.wall_time(), entry_payload(entry), vault.add_members(blobs))
        data = (await service.keyholder.ask(request, Stated, blobs, descriptors)).blobs[0]
        before()
        if not await service.sharing.offer(record.record_key(record.MEMBERS, place.seq), data):
            continue
        about = f"{entry.kind}, entry {place.seq} of the members"
        service.log.append_durably(events.identity_changed(KeyOperation.MEMBERS, about), caller)
        if vault.append_member(place.seq, data):
            return await load_members(service)
    raise Conflict("others keep changing the members of the vault", "try again")
