"""Requests about projects and their keys: make, list, change whom they are sealed to. For the owner only.

Laws: one change goes at a time, and is finished before anything is said of it to a client, who may have left; a level
that is sealed anew keeps its text, as a new version.
"""

from envfs.control.call import Call, Sent
from envfs.control.damage import fault
from envfs.core import keyfile
from envfs.core.recipients import canonical
from envfs.errors import BadRequest, Locked
from envfs.protocol.answers import KeysDescribed
from envfs.protocol.control import (
    AddRecovery,
    ChangeCustody,
    ChangeProjectPassphrase,
    ChangeRecipients,
    Done,
    FaultRow,
    KeyRow,
    ListKeys,
    ListProjects,
    NewProject,
    ProjectRow,
    RecoveryMade,
    RotateKey,
)
from envfs.service import key_changes
from envfs.service.locking import one_try, unless_locked
from envfs.service.project_keys import Change, project_of
from envfs.service.rekeying import finish
from envfs.service.service import House
from envfs.vault.damage import DAMAGED


async def new_project(call: Call, request: NewProject) -> Sent:
    """Make a project that has a key and no text yet."""
    project, house = project_of(request.project), call.service.house
    async with (
        one_try(call.service, call.caller, f"/{project}", call.descriptors),
        unless_locked(call.service, f"/{project}"),
    ):
        await house.keys.create(call.caller, project, request.custody, call.descriptors)
    if request.custody == keyfile.ZERO_KNOWLEDGE:
        call.service.locks.opened(f"/{project}", 0)
    return Sent(Done())


async def list_projects(call: Call, _request: ListProjects) -> Sent:
    """Send the projects, with what is known of their keys."""
    house = call.service.house
    for project in house.vault.projects():
        try:
            row: ProjectRow | FaultRow = await _project_row(house, project)
        except DAMAGED as error:
            row = fault(f"/{project}", error)
        await call.send_row(row)
    return Sent(Done())


async def _project_row(house: House, project: str) -> ProjectRow:
    about = await _described(house, project)
    return ProjectRow(
        project=f"/{project}",
        custody=house.keys.custody(project),
        unlocked=about is not None,
        levels=len(house.vault.levels_of(project)),
        keys=len(about.kids) if about else 0,
        recipients=about.recipients if about else (),
        unfinished=house.vault.has_old_keys(project),
    )


async def list_keys(call: Call, request: ListKeys) -> Sent:
    """Send the keys that a project has or had, the newest first; those of all, locked projects left out."""
    house = call.service.house
    if request.project:
        project = project_of(request.project)
        await call.send_rows(_key_rows(house, project, await house.keys.describe(project)))
        return Sent(Done())
    for project in house.vault.projects():
        try:
            about = await _described(house, project)
            rows: list[KeyRow | FaultRow] = [*_key_rows(house, project, about)] if about else []
        except DAMAGED as error:
            rows = [fault(f"/{project}", error)]
        await call.send_rows(rows)
    return Sent(Done())


def _key_rows(house: House, project: str, about: KeysDescribed) -> list[KeyRow]:
    heads = [(level, house.vault.head(level)) for level in house.vault.levels_of(project)]
    used = [house.vault.header(level, head.seq).kid for level, head in heads if head]
    count = len(about.kids)
    return [
        KeyRow(f"/{project}", count - age, kid, used.count(kid), newest=age == 0) for age, kid in enumerate(about.kids)
    ]


async def change_custody(call: Call, request: ChangeCustody) -> Sent:
    """Seal a project's keys to a passphrase alone, or to recipients again; a new key comes in front."""
    project, house = project_of(request.project), call.service.house
    if house.keys.custody(project) == request.custody:
        async with house.changing:
            await finish(house, call.caller, project)
        return Sent(Done((f"/{project} is {request.custody} already",)))
    recipients = house.keys.defaults() if request.custody == keyfile.MANAGED else ()
    return await _change(call, project, Change("custody", request.custody, recipients, fresh=True))


async def change_project_passphrase(call: Call, request: ChangeProjectPassphrase) -> Sent:
    """Put a project's keys under another passphrase."""
    project = project_of(request.project)
    if call.service.house.keys.custody(project) != keyfile.ZERO_KNOWLEDGE:
        raise BadRequest(
            f"project /{project} has no passphrase of its own", "`envfs passwd` changes that of the vault's identity"
        )
    return await _change(call, project, Change("passphrase", keyfile.ZERO_KNOWLEDGE))


async def rotate_key(call: Call, request: RotateKey) -> Sent:
    """Put a new key in front of a project's keys, and seal the newest text of each level with it."""
    project = project_of(request.project)
    custody = call.service.house.keys.custody(project)
    return await _change(call, project, Change("rotate", custody, fresh=True))


async def change_recipients(call: Call, request: ChangeRecipients) -> Sent:
    """Seal a project's keys to others; where one is taken away, a new key comes in front."""
    project, keys = project_of(request.project), call.service.house.keys
    if keys.custody(project) != keyfile.MANAGED:
        raise BadRequest(f"project /{project} is zero-knowledge: a passphrase opens it, and nobody else")
    before = (await keys.describe(project)).recipients
    remove = canonical(request.remove)
    unknown = [each for each in remove if each not in before]
    if unknown or call.service.house.vault.description.recipient in remove:
        raise BadRequest("what is to be removed is no recipient that can be", "`envfs project ls --json` lists them")
    wanted = (*(each for each in before if each not in remove), *request.add)
    change = Change("recipients", keyfile.MANAGED, wanted, fresh=bool(remove))
    return await _change(call, project, change)


async def add_recovery(call: Call, request: AddRecovery) -> Sent:
    """Make a recovery identity (or take a recipient), and seal every managed project's keys to it as well."""
    where = () if request.recipient else call.descriptor("where the identity is to be written")
    made = await key_changes.add_recovery(call.service, call.caller, request.recipient, where)
    notes = tuple(f"/{project} is zero-knowledge: nobody but its passphrase opens it" for project in made.left_out)
    return Sent(RecoveryMade(made.recipient, made.projects, notes))


async def _change(call: Call, project: str, change: Change) -> Sent:
    sealed = await key_changes.change_keys(call.service, call.caller, project, change, call.descriptors)
    for row in sealed:
        await call.send_row(row)
    count = len(sealed)
    return Sent(Done((f"{count} level{'s' * (count != 1)} sealed anew",) if change.fresh else ()))


async def _described(house: House, project: str) -> KeysDescribed | None:
    try:
        return await house.keys.describe(project)
    except Locked:
        return None
