"""The members of a vault as time goes by: a machine renews itself, and an administrator's daemon seals and shuts out.

Laws: nobody renews themselves but a machine whose invitation says so, and never beyond its bound. A machine that was
not renewed is taken out by the next administrator's daemon that sees it, with new keys of what it could open. An act
that fails now comes again at the next look.
"""

from contextlib import suppress
from typing import NoReturn

import trio

from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.member import Member
from envfs.core.membership.members import Members
from envfs.core.record import Point
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.host import clocks
from envfs.protocol.keyholding import OwnDevice, OwnKeys
from envfs.service.members.inviting import moment_in
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import heads_of
from envfs.service.members.sealing import lacking, settle_keys
from envfs.service.members.signing import append_entry
from envfs.service.service import Service

_LOOK_SECONDS = 60.0
_SKEW_SECONDS = 3600  # that clocks may differ, before somebody's end is taken for one
_SHARES = 3  # of its time, in the last of which a machine renews itself


class Tending:
    """The duty of a daemon that lasts."""

    def __init__(self, service: Service) -> None:
        """Look after the members of its vault."""
        self._service = service
        self._seen: tuple[Point, tuple[int, ...]] | None = None

    async def run(self) -> NoReturn:
        """Look every minute, for ever."""
        while True:
            await trio.sleep(_LOOK_SECONDS)
            with suppress(EnvFSError):
                await self.look()

    async def look(self) -> None:
        """Renew this machine, or seal and shut out as an administrator. Nothing while the vault is locked or unshared.

        Raises:
            EnvFSError: something cannot be done now
        """
        service = self._service
        if not service.locks.unlocked or service.open_vault.vault.stream_head("member") is None:
            return
        await renew_machine(service)
        members = await load_members(service)
        member = await _own(service, members)
        if member is not None and member.is_admin and members.now.shared:
            await self._tend(members)

    async def _tend(self, members: Members) -> None:
        service, ended = self._service, _ended(members)
        if self._seen == (members.newest, tuple(member.number for member in ended)):
            return
        for member in ended:
            if member.machine:
                with suppress(NoSuchLevel):  # another administrator's daemon was first
                    await append_entry(service, service.me, lambda now, gone=member: _end(now, gone), last=heads_of)  # type: ignore[misc]
        members = await load_members(service)
        left = _ended(members)
        projects = await lacking(service, members, frozenset(_recipients(left) | _recipients(ended)))
        if projects:
            await settle_keys(service, service.me, projects)
        self._seen = members.newest, tuple(member.number for member in left)


async def renew_machine(service: Service) -> bool:
    """Give this machine more time, if the last part of what it has began and its invitation says that it may.

    Raises:
        StoreUnavailable: the engine is away
    """
    member = await _own(service, await load_members(service))
    if member is None:
        return False
    soon, end = moment_in(member.span // _SHARES), min(moment_in(member.span), member.bound)
    if not member.bound or member.end > soon or end <= member.end:
        return False
    await append_entry(service, service.me, lambda now: _renewal(now, member, end))
    return True


async def _own(service: Service, members: Members) -> Member | None:
    return members.now.by_author((await service.keyholder.ask(OwnDevice(), OwnKeys)).message.author)


def _renewal(members: Members, member: Member, end: str) -> MemberEntry:
    present = members.now.by_number(member.number)
    if present is None or present.end != member.end:
        raise NoSuchLevel(f"{member.name} was renewed, or taken out, meanwhile")
    return MemberEntry(EntryKind.RENEW, member=member.number, end=end)


def _ended(members: Members) -> list[Member]:
    now = clocks.time_text(clocks.moment_of(clocks.wall_ns() - _SKEW_SECONDS * 1_000_000_000))
    return [member for member in members.now.members if member.has_ended(now)]


def _recipients(ended: list[Member]) -> set[str]:
    return {device.recipient for member in ended for device in member.devices}


def _end(members: Members, member: Member) -> MemberEntry:
    present = members.now.by_number(member.number)
    if present is None or present.end != member.end:
        raise NoSuchLevel(f"{member.name} was taken out, or given more time, meanwhile")
    return MemberEntry(EntryKind.REVOKE, member=member.number, rekey=True)
