"""Which request is answered by what, and who may ask. Errors become replies here, and nowhere else.

anyone   the gate decides, or nothing secret is said
owner    the uid that the daemon runs as; being root is no reason
"""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from envfs.control import (
    access,
    diagnosing,
    identity,
    keeping,
    projects,
    reading,
    unlocking,
    verifying,
    vouching,
    watching,
    writing,
)
from envfs.control.call import Call, Sent
from envfs.core.audit import Event
from envfs.errors import BadRequest, EnvFSError, NotApproved
from envfs.host import surprises, user_namespace
from envfs.protocol import control as ask
from envfs.service import log_verification

Handler = Callable[[Call, Any], Awaitable[Sent]]
_ANYONE, _OWNER = "anyone", "owner"

_TABLE: dict[type, tuple[str, Handler]] = {
    ask.Status: (_ANYONE, keeping.status),
    ask.ReadView: (_ANYONE, reading.read_view),
    ask.DescribeView: (_ANYONE, reading.describe_view),
    ask.WatchView: (_ANYONE, watching.watch_view),
    ask.ListVariables: (_ANYONE, reading.list_variables),
    ask.ListLevels: (_ANYONE, reading.list_levels),
    ask.ListHistory: (_ANYONE, reading.list_history),
    ask.Init: (_OWNER, keeping.init),
    ask.Unlock: (_OWNER, unlocking.unlock),
    ask.Lock: (_OWNER, unlocking.lock),
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
    ask.Unmount: (_OWNER, keeping.unmount),
    ask.CheckWrite: (_OWNER, writing.check_write),
    ask.SetVariable: (_OWNER, writing.set_variable),
    ask.UnsetVariable: (_OWNER, writing.unset_variable),
    ask.RenameVariable: (_OWNER, writing.rename_variable),
    ask.ImportText: (_OWNER, writing.import_text),
    ask.Rollback: (_OWNER, writing.rollback),
    ask.Grant: (_OWNER, access.grant),
    ask.Revoke: (_OWNER, access.revoke),
    ask.ListGrants: (_OWNER, access.list_grants),
    ask.ReadLog: (_OWNER, access.read_log),
    ask.VerifyLog: (_OWNER, vouching.verify_log),
    ask.RotateLog: (_OWNER, vouching.rotate_log),
    ask.RestartLog: (_OWNER, vouching.restart_log),
    ask.VerifyVault: (_OWNER, verifying.verify_vault),
    ask.Accept: (_OWNER, verifying.accept),
    ask.Diagnose: (_OWNER, diagnosing.diagnose),
}


_READS = (  # after these a checkpoint may wait for the end
    *(ask.Unlock, ask.Lock, ask.ListProjects, ask.ListKeys, ask.ListGrants),
    *(ask.ReadLog, ask.VerifyLog, ask.VerifyVault, ask.Diagnose),
)


async def answer(call: Call, request: object) -> Sent:
    """Answer one request; every failure becomes a Failed reply."""
    try:
        return await _answer(call, request)
    except EnvFSError as error:
        return Sent(ask.Failed(error.code, error.text, error.hint, error.about))
    except (ConnectionError, trio.TooSlowError):
        raise  # the client has left, or takes nothing more, in the middle of its rows
    except Exception as error:  # noqa: BLE001 - one request's bug must not end the daemon
        surprises.report(error)
        return Sent(ask.Failed("failed", "the daemon met a fault of its own", "its log has the details"))


async def _answer(call: Call, request: object) -> Sent:
    if type(request) not in _TABLE:
        raise BadRequest("an unexpected message")
    who, handler = _TABLE[type(request)]
    if who == _OWNER and (call.caller.uid != call.service.owner or call.caller.unknown):
        _refuse(call, request)
    sent = await handler(call, request)
    if who == _OWNER and not call.service.lasts and type(request) not in _READS:
        await log_verification.sign(
            call.service
        )  # before the reply: a copy of the vault that is taken after it is one that the log names
    return sent


def _refuse(call: Call, request: object) -> None:
    name = type(request).__name__
    event = Event(
        "refuse", "socket", str(getattr(request, "level", ""))[:256], form=name, decision="deny", rule="owner only"
    )
    call.service.refusals.record(event, call.caller)
    if call.caller.uid == call.service.owner:
        raise NotApproved(f"this process cannot be identified: {call.caller.doubt}", _identifiable_as(call.caller.uid))
    raise NotApproved(f"only uid {call.service.owner}, who owns the vault, may do that", "ask its owner")


def _identifiable_as(uid: int) -> str:
    if user_namespace.stands_for_others(uid):
        return "run EnvFS as a user that the container has a number for, such as 1000"
    return "run the command where the daemon runs: in its container, and with its /proc"
