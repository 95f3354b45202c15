"""Which request is answered by what, and who may ask. Errors become replies here, and nowhere else.

anyone   the gate decides, or nothing secret is said
owner    the uid that the daemon runs as. Being root is no reason
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

import trio

from envfs.control import (
    approvals,
    doctor,
    grants,
    identity,
    levels,
    locks,
    log,
    projects,
    readers,
    vault,
    verification,
    views,
    watch,
)
from envfs.control.call import Call, Sent
from envfs.core import events
from envfs.errors import BadRequest, EnvFSError, NotApproved
from envfs.host import surprises, user_namespace
from envfs.protocol import control as ask
from envfs.service import log_verification

Handler = Callable[[Call, Any], Awaitable[Sent]]


class Audience(Enum):
    """The callers that may send a request."""

    ANYONE = auto()
    OWNER = auto()


_ANYONE, _OWNER = Audience.ANYONE, Audience.OWNER
_TABLE: dict[type, tuple[Audience, Handler]] = {
    ask.Status: (_ANYONE, vault.status),
    ask.ReadView: (_ANYONE, views.read_view),
    ask.DescribeView: (_ANYONE, views.describe_view),
    ask.WatchView: (_ANYONE, watch.watch_view),
    ask.ListVariables: (_ANYONE, views.list_variables),
    ask.ListLevels: (_ANYONE, views.list_levels),
    ask.ListHistory: (_ANYONE, views.list_history),
    ask.Init: (_OWNER, vault.init),
    ask.Unlock: (_OWNER, locks.unlock),
    ask.Lock: (_OWNER, locks.lock),
    ask.ChangePassphrase: (_OWNER, identity.change_passphrase),
    ask.KeepIdentity: (_OWNER, identity.keep_identity),
    ask.ForgetIdentity: (_OWNER, identity.forget_identity),
    ask.NewProject: (_OWNER, projects.new_project),
    ask.ListProjects: (_OWNER, projects.list_projects),
    ask.ChangeCustody: (_OWNER, projects.change_custody),
    ask.ChangeProjectPassphrase: (_OWNER, projects.change_project_passphrase),
    ask.ChangeRecipients: (_OWNER, projects.change_recipients),
    ask.ListKeys: (_OWNER, projects.list_keys),
    ask.RotateKey: (_OWNER, projects.rotate_key),
    ask.AddRecovery: (_OWNER, projects.add_recovery),
    ask.Unmount: (_OWNER, vault.unmount),
    ask.CheckWrite: (_OWNER, levels.check_write),
    ask.SetVariable: (_OWNER, levels.set_variable),
    ask.UnsetVariable: (_OWNER, levels.unset_variable),
    ask.RenameVariable: (_OWNER, levels.rename_variable),
    ask.ImportText: (_OWNER, levels.import_text),
    ask.Rollback: (_OWNER, levels.rollback),
    ask.GrantAccess: (_OWNER, grants.grant),
    ask.Revoke: (_OWNER, grants.revoke),
    ask.ListGrants: (_OWNER, grants.list_grants),
    ask.ListApprovals: (_OWNER, approvals.list_approvals),
    ask.ShowApproval: (_OWNER, approvals.show_approval),
    ask.RespondApproval: (_OWNER, approvals.respond_approval),
    ask.WatchApprovals: (_OWNER, approvals.watch_approvals),
    ask.ListReaders: (_OWNER, readers.list_readers),
    ask.ReadLog: (_OWNER, grants.read_log),
    ask.VerifyLog: (_OWNER, log.verify_log),
    ask.RotateLog: (_OWNER, log.rotate_log),
    ask.RestartLog: (_OWNER, log.restart_log),
    ask.VerifyVault: (_OWNER, verification.verify_vault),
    ask.Accept: (_OWNER, verification.accept),
    ask.Diagnose: (_OWNER, doctor.diagnose),
}


_READS = (  # after these a checkpoint may wait for the end
    *(ask.Unlock, ask.Lock, ask.ListProjects, ask.ListKeys, ask.ListGrants, ask.ListReaders),
    *(ask.ListApprovals, ask.ShowApproval, ask.WatchApprovals),
    *(ask.ReadLog, ask.VerifyLog, ask.VerifyVault, ask.Diagnose),
)


async def dispatch_request(call: Call, request: object) -> Sent:
    """Answer one request. Every failure becomes a Failed reply."""
    try:
        return await _answer(call, request)
    except EnvFSError as error:
        return Sent(ask.Failed(error.code, error.text, error.hint, error.about))
    except (ConnectionError, trio.TooSlowError):
        raise  # the client has left, or takes nothing more, in the middle of its rows
    except Exception as error:  # noqa: BLE001 - one request's bug must not end the daemon
        surprises.report_bug(error)
        return Sent(ask.Failed("failed", "the daemon met a fault of its own", "its log has the details"))


async def _answer(call: Call, request: object) -> Sent:
    if type(request) not in _TABLE:
        raise BadRequest("an unexpected message")
    audience, handler = _TABLE[type(request)]
    if audience is _OWNER and not call.caller.is_user(call.service.owner):
        _refuse(call, request)
    sent = await handler(call, request)
    if audience is _OWNER and not call.service.lasts and type(request) not in _READS:
        await log_verification.sign_log(
            call.service
        )  # before the reply: a copy of the vault that is taken after it is one that the log names
    return sent


def _refuse(call: Call, request: object) -> None:
    event = events.refused_request(type(request).__name__, str(getattr(request, "level", "")))
    call.service.refusals.record(event, call.caller)
    if call.caller.uid == call.service.owner:
        raise NotApproved(
            f"this process cannot be identified: {call.caller.unknown}", _identifiable_as(call.caller.uid)
        )
    raise NotApproved(f"only uid {call.service.owner} may do that: it owns the vault", "ask its owner")


def _identifiable_as(uid: int) -> str:
    if user_namespace.stands_for_others(uid):
        return "run EnvFS as a user that the container has a number for, such as 1000"
    return "run the command where the daemon runs: in its container, and with its /proc"
