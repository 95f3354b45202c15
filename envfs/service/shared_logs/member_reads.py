"""The variables that a member read on their machines, by the logs that these shared.

Law: what an entry does not say counts as read. A rule of another machine is not known here, nor a version that was
forgotten.
"""

from collections.abc import Iterable
from contextlib import aclosing
from typing import NamedTuple

from envfs.core import logged_reads, names
from envfs.core.logged_reads import LoggedRead
from envfs.core.membership.member import Member
from envfs.core.membership.members import Members
from envfs.gate.variable_traces import SeenView, VariableTraces, view_at
from envfs.service.service import Service
from envfs.service.shared_logs import reading
from envfs.vault.vault import Vault


class RemoteRead(NamedTuple):
    """When a variable was read last, and the machine where that was."""

    time: str
    machine: str


class _Sighted(NamedTuple):
    read: LoggedRead
    last: RemoteRead


async def reads_of_member(
    service: Service, members: Members, member: Member, variables: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], RemoteRead]:
    """Return of some variables (the level that sets it, the name) those that the member's machines say were read.

    Raises:
        Locked: a project is
    """
    views = _by_view(service.open_vault.vault, await _reads(service, members, member))
    traces, last_reads = (
        VariableTraces(service.open_vault.vault, service.keyholder),
        dict[tuple[str, str], RemoteRead](),
    )
    levels: dict[str, set[str]] = {}
    for level, name in variables:
        levels.setdefault(name, set()).add(level)
    for name, of_name in levels.items():
        asked = {view: name for view in views if of_name.intersection(names.chain(view.level))}
        for view, seen in (await traces.look(asked)).items():
            key = seen.level, name
            for sighted in views[view] if seen.level in of_name else ():
                if not sighted.read.places or not {*sighted.read.places}.isdisjoint(seen.places or sighted.read.places):
                    last_reads[key] = max(last_reads.get(key, sighted.last), sighted.last)
    return last_reads


async def _reads(service: Service, members: Members, member: Member) -> dict[LoggedRead, RemoteRead]:
    # of equal reads the last one
    reads: dict[LoggedRead, RemoteRead] = {}
    devices = {device.author for device in member.devices}
    for log in await reading.shared_logs(service, members):
        if log.device not in devices:
            continue
        async with aclosing(reading.opened_batches(service, log)) as batches:
            async for opened in batches:
                for body in opened.entries.bodies if opened.entries else ():
                    read = logged_reads.logged_read(body)
                    if read is not None and opened.entries is not None:
                        last = RemoteRead(str(body.get("time", "")), opened.entries.host)
                        reads[read.of_any_process] = max(reads.get(read.of_any_process, last), last)
    return reads


def _by_view(vault: Vault, reads: dict[LoggedRead, RemoteRead]) -> dict[SeenView, list[_Sighted]]:
    views: dict[SeenView, list[_Sighted]] = {}
    for read, last in reads.items():
        view = _view(vault, read, last.time)
        if view is not None:
            views.setdefault(view, []).append(_Sighted(read, last))
    return views


def _view(vault: Vault, read: LoggedRead, time: str) -> SeenView | None:
    steps = len(names.chain(read.level))
    if read.above is None and read.level != names.ROOT and not read.is_own:
        return view_at(vault, read.level, time, read.version)
    above = read.above or ()
    versions = (0,) * (steps - 1 - len(above)) + (*above, read.version)
    return SeenView(read.level, versions, read.is_own) if len(versions) == steps else None
