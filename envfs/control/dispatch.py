"""Which request is answered by what, and what its caller needs for that. Errors become replies here, and nowhere else.

Laws: each row states a capability, and at which level a rule has to give it. The owner, the uid that the daemon runs
as, needs no rule for that. Being root is no reason. Where the gate decides, it does so for the format that is asked
for, and values go by a rule for the owner too.
"""

import importlib
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum, auto
from typing import Any, NamedTuple, NoReturn

import trio

from envfs.control.call import Call, Sent
from envfs.core import events, names
from envfs.core.access.roles import Capability
from envfs.errors import BadRequest, EnvFSError, Locked, NoSuchLevel, NotApproved
from envfs.host import surprises, user_namespace
from envfs.protocol import control as ask
from envfs.service.access import rights
from envfs.service.audit import log_verification
from envfs.service.members.listing import is_waiting

Handler = Callable[[Call, Any], Awaitable[Sent]]


class Where(Enum):
    """The level at which a caller has to have the capability of a row."""

    NOWHERE = auto()  # nothing secret is said
    GATE = auto()  # the gate decides, at the request's level
    LEVEL = auto()  # the request's level
    PROJECT = auto()  # the request's project, the vault's top if it names none
    VAULT = auto()  # the vault's top
    ANY = auto()  # one level at least: what is said of the others is left out


class Requirement(NamedTuple):
    """A row: what a caller needs, where, and the handler: its module below `requests`, and its name there."""

    capability: Capability
    where: Where
    handler: str


_C = Capability
_TABLE: dict[type, Requirement] = {
    ask.Status: Requirement(_C.NAMES, Where.NOWHERE, "vault.status"),
    ask.WatchStatus: Requirement(_C.NAMES, Where.NOWHERE, "watch.watch_status"),
    ask.ReadView: Requirement(_C.READ, Where.GATE, "views.read_view"),
    ask.SealView: Requirement(_C.READ, Where.GATE, "sealing.seal_view"),
    ask.DescribeView: Requirement(_C.NAMES, Where.GATE, "views.describe_view"),
    ask.WatchView: Requirement(_C.NAMES, Where.GATE, "watch.watch_view"),
    ask.ListVariables: Requirement(_C.NAMES, Where.GATE, "views.list_variables"),
    ask.ListPresence: Requirement(_C.NAMES, Where.GATE, "presence.list_presence"),
    ask.ListLevels: Requirement(_C.NAMES, Where.GATE, "views.list_levels"),
    ask.CompareLevels: Requirement(_C.READ, Where.GATE, "views.compare_levels"),
    ask.FindVariables: Requirement(_C.NAMES, Where.GATE, "search.find_variables"),
    ask.ScanContent: Requirement(_C.READ, Where.GATE, "scanning.scan_content"),
    ask.ListRotations: Requirement(_C.HISTORY, Where.GATE, "rotations.list_rotations"),
    ask.ListHistory: Requirement(_C.HISTORY, Where.GATE, "views.list_history"),
    ask.CheckWrite: Requirement(_C.WRITE, Where.LEVEL, "levels.check_write"),
    ask.SetVariable: Requirement(_C.WRITE, Where.LEVEL, "levels.set_variable"),
    ask.SetVariables: Requirement(_C.WRITE, Where.LEVEL, "levels.set_variables"),
    ask.UnsetVariable: Requirement(_C.WRITE, Where.LEVEL, "levels.unset_variable"),
    ask.RotateVariable: Requirement(_C.WRITE, Where.LEVEL, "levels.rotate_variable"),
    ask.RenameVariable: Requirement(_C.WRITE, Where.LEVEL, "levels.rename_variable"),
    ask.ImportText: Requirement(_C.WRITE, Where.LEVEL, "levels.import_text"),
    ask.Rollback: Requirement(_C.WRITE, Where.LEVEL, "levels.rollback"),
    ask.CopyVariables: Requirement(_C.WRITE, Where.LEVEL, "levels.copy_variables"),
    ask.MoveLevel: Requirement(_C.WRITE, Where.LEVEL, "removal.move_level"),
    ask.RemoveLevel: Requirement(_C.WRITE, Where.LEVEL, "removal.remove_level"),
    ask.ForgetVersions: Requirement(_C.ADMIN, Where.LEVEL, "removal.forget_past"),
    ask.GrantAccess: Requirement(_C.GRANT, Where.LEVEL, "rules.grant"),
    ask.UseToken: Requirement(_C.NAMES, Where.NOWHERE, "rules.use_token"),
    ask.Revoke: Requirement(_C.GRANT, Where.ANY, "rules.revoke"),
    ask.ListGrants: Requirement(_C.GRANT, Where.ANY, "rules.list_grants"),
    ask.ExplainAccess: Requirement(_C.GRANT, Where.LEVEL, "rules.explain_access"),
    ask.AskPerson: Requirement(_C.NAMES, Where.GATE, "petitions.ask_person"),
    ask.ListApprovals: Requirement(_C.APPROVE, Where.ANY, "approvals.list_approvals"),
    ask.ShowApproval: Requirement(_C.APPROVE, Where.ANY, "approvals.show_approval"),
    ask.RespondApproval: Requirement(_C.APPROVE, Where.ANY, "approvals.respond_approval"),
    ask.WatchApprovals: Requirement(_C.APPROVE, Where.ANY, "approvals.watch_approvals"),
    ask.OpenProxy: Requirement(_C.READ, Where.GATE, "proxies.open_proxy"),
    ask.ListProxies: Requirement(_C.NAMES, Where.ANY, "proxies.list_proxies"),
    ask.StopProxy: Requirement(_C.NAMES, Where.GATE, "proxies.stop_proxy"),
    ask.ListProxyRules: Requirement(_C.NAMES, Where.GATE, "proxies.list_proxy_rules"),
    ask.ListReaders: Requirement(_C.LOG, Where.LEVEL, "readers.list_readers"),
    ask.ListHolders: Requirement(_C.LOG, Where.LEVEL, "holders.list_holders"),
    ask.ReportIncident: Requirement(_C.LOG, Where.LEVEL, "incidents.report_incident"),
    ask.ReadLog: Requirement(_C.LOG, Where.ANY, "log_entries.read_log"),
    ask.CountLog: Requirement(_C.LOG, Where.ANY, "log_entries.count_log"),
    ask.ReadSharedLog: Requirement(_C.LOG, Where.ANY, "shared_logs.read_shared_log"),
    ask.ListLogMachines: Requirement(_C.LOG, Where.VAULT, "shared_logs.list_log_machines"),
    ask.ShareLog: Requirement(_C.ADMIN, Where.VAULT, "shared_logs.share_log"),
    ask.VerifyLog: Requirement(_C.LOG, Where.VAULT, "log.verify_log"),
    ask.RotateLog: Requirement(_C.ADMIN, Where.VAULT, "log.rotate_log"),
    ask.RestartLog: Requirement(_C.ADMIN, Where.VAULT, "log.restart_log"),
    ask.Init: Requirement(_C.ADMIN, Where.VAULT, "vault.init"),
    ask.Unlock: Requirement(_C.ADMIN, Where.PROJECT, "locks.unlock"),
    ask.BringIdentity: Requirement(_C.ADMIN, Where.VAULT, "identity.bring_identity"),
    ask.Lock: Requirement(_C.ADMIN, Where.PROJECT, "locks.lock"),
    ask.ChangePassphrase: Requirement(_C.ADMIN, Where.VAULT, "identity.change_passphrase"),
    ask.KeepIdentity: Requirement(_C.ADMIN, Where.VAULT, "identity.keep_identity"),
    ask.ForgetIdentity: Requirement(_C.ADMIN, Where.VAULT, "identity.forget_identity"),
    ask.NewProject: Requirement(_C.ADMIN, Where.PROJECT, "projects.new_project"),
    ask.ListProjects: Requirement(_C.ADMIN, Where.VAULT, "projects.list_projects"),
    ask.ChangeCustody: Requirement(_C.ADMIN, Where.PROJECT, "projects.change_custody"),
    ask.ChangeProjectPassphrase: Requirement(_C.ADMIN, Where.PROJECT, "projects.change_project_passphrase"),
    ask.ChangeRecipients: Requirement(_C.ADMIN, Where.PROJECT, "projects.change_recipients"),
    ask.ListKeys: Requirement(_C.ADMIN, Where.PROJECT, "projects.list_keys"),
    ask.RotateKey: Requirement(_C.ADMIN, Where.PROJECT, "projects.rotate_key"),
    ask.AddRecovery: Requirement(_C.ADMIN, Where.VAULT, "projects.add_recovery"),
    ask.Unmount: Requirement(_C.ADMIN, Where.VAULT, "vault.unmount"),
    ask.VerifyVault: Requirement(_C.ADMIN, Where.VAULT, "verification.verify_vault"),
    ask.Backup: Requirement(_C.ADMIN, Where.VAULT, "vault.backup"),
    ask.ListAuthors: Requirement(_C.ADMIN, Where.VAULT, "authors.list_authors"),
    ask.NameAuthor: Requirement(_C.ADMIN, Where.VAULT, "authors.name_author"),
    ask.DescribeSharing: Requirement(_C.ADMIN, Where.VAULT, "sharing.describe_sharing"),
    ask.ShareVault: Requirement(_C.ADMIN, Where.VAULT, "sharing.share_vault"),
    ask.ResolveConflict: Requirement(_C.WRITE, Where.LEVEL, "sharing.resolve_conflict"),
    ask.RejoinEngine: Requirement(_C.ADMIN, Where.VAULT, "sharing.rejoin"),
    ask.AcceptLosses: Requirement(_C.ADMIN, Where.VAULT, "sharing.accept_lost_records"),
    ask.InviteMember: Requirement(_C.ADMIN, Where.VAULT, "members.invite_member"),
    ask.InviteMachine: Requirement(_C.ADMIN, Where.VAULT, "members.invite_machine"),
    ask.RotateDevice: Requirement(_C.ADMIN, Where.VAULT, "members.rotate_device"),
    ask.EnterVault: Requirement(_C.ADMIN, Where.VAULT, "members.enter_vault"),
    ask.JoinVault: Requirement(_C.ADMIN, Where.VAULT, "members.join_vault"),
    ask.ApproveMember: Requirement(_C.ADMIN, Where.VAULT, "members.approve_member"),
    ask.ListMembers: Requirement(_C.ADMIN, Where.VAULT, "members.list_members"),
    ask.ChangeMember: Requirement(_C.ADMIN, Where.VAULT, "members.change_member"),
    ask.RevokeMember: Requirement(_C.ADMIN, Where.VAULT, "members.revoke_member"),
    ask.ListMemberHeads: Requirement(_C.ADMIN, Where.VAULT, "members.list_member_heads"),
    ask.DescribeVault: Requirement(_C.ADMIN, Where.VAULT, "description.describe_vault"),
    ask.Accept: Requirement(_C.ADMIN, Where.LEVEL, "verification.accept"),
    ask.ReadMetrics: Requirement(_C.LOG, Where.VAULT, "metrics.read_metrics"),
    ask.Diagnose: Requirement(_C.ADMIN, Where.VAULT, "doctor.diagnose"),
}


_READS = (  # after these a checkpoint may wait for the end
    *(ask.Unlock, ask.Lock, ask.ListProjects, ask.ListKeys, ask.ListGrants, ask.ExplainAccess, ask.ListReaders),
    *(ask.ListApprovals, ask.ShowApproval, ask.WatchApprovals),
    *(
        ask.ReadLog,
        ask.CountLog,
        ask.VerifyLog,
        ask.ReadSharedLog,
        ask.ListLogMachines,
        ask.VerifyVault,
        ask.Backup,
        ask.DescribeVault,
        ask.DescribeSharing,
        ask.ListAuthors,
        ask.ListMembers,
        ask.ListMemberHeads,
        ask.Diagnose,
        ask.ReadMetrics,
    ),
)


def load_handlers() -> None:
    """Load all handlers: for a daemon that lasts, while EnvFS's files may become those of another release."""
    for need in _TABLE.values():
        handler_of(need)
    importlib.import_module("envfs.service.sharing.parts")


def handler_of(need: Requirement) -> Handler:
    """Return the handler of a row. Its module is loaded with its first request: all of them take 10 ms."""
    module, _, name = need.handler.partition(".")
    handler: Handler = getattr(importlib.import_module(f"envfs.control.requests.{module}"), name)
    return handler


async def dispatch_request(call: Call, request: object) -> Sent:
    """Answer one request. Every failure becomes a Failed reply."""
    try:
        return await _answer_when_heard(call, request)
    except EnvFSError as error:
        told = _not_let_in(call, error) if isinstance(error, NoSuchLevel) else error
        return Sent(ask.Failed(told.code, told.text, told.hint, told.about))
    except (ConnectionError, trio.TooSlowError):
        raise  # the client has left, or takes nothing more, in the middle of its rows
    except Exception as error:  # noqa: BLE001 - one request's bug must not end the daemon
        surprises.report_bug(error)
        return Sent(ask.Failed("failed", "the daemon met a fault of its own", "its log has the details"))


class _Rows:
    """The rows of one answer on their way, and whether there were any."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.is_begun = False

    async def send_row(self, row: ask.Row) -> None:
        """Send a row."""
        self.is_begun = True
        await self._call.send_row(row)

    async def send_rows(self, rows: Iterable[ask.Row]) -> None:
        """Send rows."""
        self.is_begun = True
        await self._call.send_rows(rows)


async def _answer_when_heard(call: Call, request: object) -> Sent:
    # a level of a shared vault may be on its way, where this home was let in or unlocked just now. An answer
    # of which the client has a part is not begun again
    rows = _Rows(call)
    try:
        return await _answer(call._replace(send_row=rows.send_row, send_rows=rows.send_rows), request)
    except NoSuchLevel:
        if rows.is_begun:
            raise
        is_news = await call.service.sharing.hear()
        if call.service.sharing.facts.waits_for_unlock and not call.service.locks.unlocked:
            raise Locked("the vault is locked", "unlock it with `envfs unlock`") from None
        if not is_news:
            raise
    return await _answer(call, request)


def _not_let_in(call: Call, error: NoSuchLevel) -> EnvFSError:
    # of a vault that was joined nothing is here before somebody has let this device in
    service = call.service
    if not (call.caller.is_user(service.owner) and service.has_open_vault and is_waiting(service)):
        return error
    return NotApproved("nobody has approved this device yet", "ask an administrator for `envfs member approve`")


async def _answer(call: Call, request: object) -> Sent:
    if type(request) not in _TABLE:
        raise BadRequest("an unexpected message")
    need = _TABLE[type(request)]
    if not _may(call, request, need):
        _refuse(call, request, need)
    decided = need.where in (Where.NOWHERE, Where.GATE)
    try:
        sent = await handler_of(need)(call, request)
    finally:
        if not decided:  # whatever it changed, also where it failed half-way
            call.service.forget_names()
    if not decided and not call.service.lasts and type(request) not in _READS:
        await log_verification.sign_log(
            call.service
        )  # before the reply: a copy of the vault that is taken after it is one that the log names
    return sent


def _may(call: Call, request: object, need: Requirement) -> bool:
    if need.where in (Where.NOWHERE, Where.GATE):
        return True
    if need.where is Where.ANY:
        return rights.may_anywhere(call.service, call.caller, need.capability)
    if isinstance(request, ask.Unlock) and not call.service.lasts:
        return call.caller._replace(token="").is_user(call.service.owner)  # its own, started for this one command
    level = _level(request, need.where)
    if level is None:  # the owner is told what is wrong with it
        return call.caller.is_user(call.service.owner)
    return rights.may(call.service, call.caller, need.capability, level)


def _level(request: object, where: Where) -> str | None:
    try:
        match where:
            case Where.LEVEL:
                return names.parse_level(getattr(request, "level", ""))
            case Where.PROJECT:
                return names.project_named(getattr(request, "project", "") or names.ROOT)
            case _:
                return names.ROOT
    except EnvFSError:
        return None


def _refuse(call: Call, request: object, need: Requirement) -> NoReturn:
    event = events.refused_request(type(request).__name__, str(getattr(request, "level", "")), need.capability)
    call.service.refusals.record(event, call.caller)
    uid, owner, capability = call.caller.uid, call.service.owner, need.capability
    level = _level(request, need.where) or names.ROOT
    if uid == owner and call.caller.unknown:
        raise NotApproved(f"this process cannot be identified: {call.caller.unknown}", _identifiable_as(uid))
    if call.caller.token:
        raise NotApproved(f"the token does not give `{capability}` at {level}", "ask the one who made it")
    if uid == owner:
        raise NotApproved(f"a rule denies `{capability}` at {level} to this program", "`envfs grants` lists the rules")
    text = f"only uid {owner} may do that: it owns the vault, and no rule gives uid {uid} `{capability}` at {level}"
    raise NotApproved(text, f"the owner can give it: `envfs grant {level} --uid {uid} --can {capability}`")


def _identifiable_as(uid: int) -> str:
    if user_namespace.stands_for_others(uid):
        return "run EnvFS as a user that the container has a number for, such as 1000"
    return "run the command where the daemon runs: in its container, and with its /proc"
