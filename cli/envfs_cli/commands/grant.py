"""`grant`: let callers read a level and all below it, or do more there."""

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.callers import named_callers
from envfs_cli.daemon import session
from envfs_cli.replies.written import print_notes

_VERBS = {
    "allow": "may read",
    "mask": "may see placeholders alone in",
    "ask": "may ask for",
    "deny": "may get nothing of",
}


class GrantArguments(NamedTuple):
    """The arguments of `grant`."""

    level: str
    uid: int | None
    user: str | None
    gid: int | None
    group: str | None
    exe: str | None
    script: str | None
    under: str | None
    cgroup: str | None
    unit: str | None
    no_pin: bool
    decision: str | None
    can: "tuple[str, ...]"
    only: "tuple[str, ...]"
    ttl: int | None
    max_reads: int | None
    birth: int | None
    dialect: str | None
    passphrase_file: str | None


def run_grant(arguments: GrantArguments) -> int:
    """Give a rule.

    Raises:
        BadRequest: it is for nobody, or for no read
    """
    callers = named_callers(arguments, pinned=not arguments.no_pin)
    if callers.is_anybody:
        raise BadRequest("say for whom", "with --user, --group, --exe, --script, --under, --cgroup or --unit")
    if arguments.max_reads == 0:
        raise BadRequest("no process at all could read", "leave --max-reads out, or name a number from 1 on")
    decision = arguments.decision or "allow"
    request = control.GrantAccess(
        arguments.level,
        callers.uid,
        arguments.ttl or 0,
        arguments.dialect or "",
        gid=callers.gid,
        exe=callers.exe.path,
        exe_sha256=callers.exe.sha256,
        script=callers.script.path,
        script_sha256=callers.script.sha256,
        under=callers.under.path,
        under_sha256=callers.under.sha256,
        cgroup=callers.cgroup,
        unit=callers.unit,
        only=arguments.only,
        max_reads=arguments.max_reads or 0,
        birth=arguments.birth or 0,
        decision=decision,
        can=arguments.can,
    )
    reply = session.start_session(arguments.passphrase_file).reply(request)
    verb = f"have {', '.join(arguments.can)} for" if arguments.can and decision == "allow" else _VERBS[decision]
    if isinstance(reply, control.RuleGiven):
        output.done(f"{reply.id}: {reply.who} {verb} {arguments.level} and all below it")
    print_notes(reply)
    return 0
