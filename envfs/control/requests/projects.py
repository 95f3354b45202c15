"""Requests about projects and their keys: make, list, change whom they are sealed to. For callers with `admin`.

Laws: one change goes at a time, and is finished before anything is said of it to a client, who may have left. A level
that is sealed again keeps its text, as a new version.
"""

from envfs.control.call import Call, Sent
from envfs.control.requests.damage import fault_row
from envfs.core import keyfile, names, notes, record
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.operations import KeyOperation
from envfs.core.recipients import canonical_recipients
from envfs.core.scope import Scope
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import BadRequest, Locked, NotApproved
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
from envfs.service.keys import key_changes
from envfs.service.keys.locking import one_try, unless_locked
from envfs.service.keys.rekeying import finish_rekeying
from envfs.service.members.listing import check_unshared
from envfs.service.members.sealing import renew_epoch
from envfs.service.project_keys import KeyChange
from envfs.service.service import OpenVault
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault


async def new_project(call: Call, request: NewProject) -> Sent:
    """Make a project that has a key and no text yet."""
    project, open_vault = names.project_named(request.project), call.service.open_vault
    refuse_credential(project, "the project's name")
    custody, scope = keyfile.custody_named(request.custody), Scope(project)
    async with one_try(call.service, call.caller, scope, call.descriptors), unless_locked(call.service, scope):
        await open_vault.keys.create(call.caller, project, custody, call.descriptors)
    if custody is Custody.ZERO_KNOWLEDGE:
        call.service.locks.opened(scope, 0)
    return Sent(Done())


async def list_projects(call: Call, _request: ListProjects) -> Sent:
    """Send the projects, with what is known of their keys."""
    open_vault = call.service.open_vault
    for project in open_vault.vault.projects():
        try:
            row: ProjectRow | FaultRow = await _project_row(open_vault, project)
        except DAMAGED as error:
            row = fault_row(project, error)
        await call.send_row(row)
    return Sent(Done())


async def _project_row(open_vault: OpenVault, project: Project) -> ProjectRow:
    about = await _described(open_vault, project)
    return ProjectRow(
        project=project,
        custody=open_vault.keys.custody(project),
        unlocked=about is not None,
        levels=len(open_vault.vault.levels_of(project)),
        keys=len(about.kids) if about else 0,
        recipients=about.recipients if about else (),
        unfinished=_is_unfinished(open_vault.vault, project),
    )


def _is_unfinished(vault: Vault, project: Project) -> bool:
    # an engine that takes nothing away gives a forgotten key file to each machine again. That interrupts nobody
    old = vault.old_keys(project)
    is_shared = vault.stream_head(record.MEMBERS) is not None
    return bool(old) and not (is_shared and vault.forgotten(record.key_stream(project)).keys() >= {*old})


async def list_keys(call: Call, request: ListKeys) -> Sent:
    """Send the keys that a project has or had, the newest first. Those of all, locked projects left out."""
    open_vault = call.service.open_vault
    if request.project:
        project = names.project_named(request.project)
        await call.send_rows(_key_rows(open_vault, project, await open_vault.keys.describe(project)))
        return Sent(Done())
    for project in open_vault.vault.projects():
        try:
            about = await _described(open_vault, project)
            rows: list[KeyRow | FaultRow] = [*_key_rows(open_vault, project, about)] if about else []
        except DAMAGED as error:
            rows = [fault_row(project, error)]
        await call.send_rows(rows)
    return Sent(Done())


def _key_rows(open_vault: OpenVault, project: Project, about: KeysDescribed) -> list[KeyRow]:
    heads = [(level, open_vault.vault.head(level)) for level in open_vault.vault.levels_of(project)]
    used = [open_vault.vault.header(level, head.seq).kid for level, head in heads if head]
    count = len(about.kids)
    return [KeyRow(project, count - age, kid, used.count(kid), newest=age == 0) for age, kid in enumerate(about.kids)]


async def change_custody(call: Call, request: ChangeCustody) -> Sent:
    """Seal a project's keys to a passphrase alone, or to recipients again. A new key comes in front."""
    project, open_vault = names.project_named(request.project), call.service.open_vault
    custody = keyfile.custody_named(request.custody)
    if open_vault.keys.custody(project) is custody:
        async with open_vault.changing:
            await finish_rekeying(open_vault, call.caller, project)
        return Sent(Done((f"{project} is {custody} already",)))
    recipients = open_vault.keys.defaults() if custody is Custody.MANAGED else ()
    change = KeyChange(KeyOperation.CUSTODY, custody, recipients, fresh=True, message=request.message)
    return await _change(call, project, change)


async def change_project_passphrase(call: Call, request: ChangeProjectPassphrase) -> Sent:
    """Put a project's keys under another passphrase. Raises BadRequest for a managed project."""
    project = names.project_named(request.project)
    if call.service.open_vault.keys.custody(project) != Custody.ZERO_KNOWLEDGE:
        raise BadRequest(
            f"project {project} has no passphrase of its own", "`envfs passwd` changes that of the vault's identity"
        )
    return await _change(call, project, KeyChange(KeyOperation.PASSPHRASE, Custody.ZERO_KNOWLEDGE))


async def rotate_key(call: Call, request: RotateKey) -> Sent:
    """Put a new key in front of a project's keys, and seal the newest text of each level with it."""
    project = names.project_named(request.project)
    custody = call.service.open_vault.keys.custody(project)
    return await _change(call, project, KeyChange(KeyOperation.ROTATE, custody, fresh=True, message=request.message))


async def change_recipients(call: Call, request: ChangeRecipients) -> Sent:
    """Seal a project's keys to others. A new key comes in front if one is removed. Raises BadRequest."""
    project, keys = names.project_named(request.project), call.service.open_vault.keys
    if keys.custody(project) != Custody.MANAGED:
        raise BadRequest(f"project {project} is zero-knowledge: only its passphrase opens it")
    old_recipients = (await keys.describe(project)).recipients
    remove = canonical_recipients(request.remove)
    unknown = [recipient for recipient in remove if recipient not in old_recipients]
    if unknown or call.service.open_vault.vault.description.recipient in remove:
        raise BadRequest("the recipient to remove is not one of this project", "`envfs project ls --json` lists them")
    if remove or request.add:
        await check_unshared(call.service)
    new_recipients = (*(recipient for recipient in old_recipients if recipient not in remove), *request.add)
    change = KeyChange(
        KeyOperation.RECIPIENTS, Custody.MANAGED, new_recipients, fresh=bool(remove), message=request.message
    )
    return await _change(call, project, change)


async def add_recovery(call: Call, request: AddRecovery) -> Sent:
    """Make a recovery identity (or take a recipient), and seal every managed project's keys to it as well."""
    where = () if request.recipient else call.descriptor("where the identity is to be written")
    recovery = await key_changes.create_recovery_key(call.service, call.caller, request.recipient, where)
    await renew_epoch(call.service, call.caller, recovery.recipient)
    left_out = tuple(f"{project} is zero-knowledge: only its passphrase opens it" for project in recovery.left_out)
    return Sent(RecoveryMade(recovery.recipient, recovery.projects, left_out))


async def _change(call: Call, project: Project, change: KeyChange) -> Sent:
    notes.check_message(change.message)  # before there is a new key
    refuse_credential(change.message, "the message")
    sealed = await key_changes.change_keys(call.service, call.caller, project, change, call.descriptors)
    for row in sealed:
        await call.send_row(row)
    count = len(sealed)
    return Sent(Done((f"{count} level{'s' * (count != 1)} sealed again",) if change.fresh else ()))


async def _described(open_vault: OpenVault, project: Project) -> KeysDescribed | None:
    try:
        return await open_vault.keys.describe(project)
    except (Locked, NotApproved):  # the latter: its key is for other members
        return None
