"""Requests about the rules: who may do what, at which level, and why."""

import math
import pwd
from collections.abc import Iterator
from functools import partial

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.core.access import explanation
from envfs.core.access.policy import MOST_LISTERS
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Pin, Rule, RuleProcess, who
from envfs.core.access.rule_table import (
    MOST_SECONDS,
    UIDS,
    check_rule,
    has_control_characters,
    parse_can,
    parse_digest,
    parse_globs,
)
from envfs.core.access.verdict import Decision
from envfs.dotenv import dialect_names
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import BadRequest, EnvFSError, NoSuchLevel, NotApproved
from envfs.host import clocks, programs, user_namespace
from envfs.host.callers import callers
from envfs.protocol.control import (
    Done,
    ExplainAccess,
    Explained,
    GrantAccess,
    GrantRow,
    ListGrants,
    Revoke,
    RuleGiven,
    RuleRow,
    UseToken,
)
from envfs.service.access import rights
from envfs.service.access.grants import (
    check_giving,
    chosen_rules,
    end_rules,
    end_sessions,
    give_rule,
    may_end,
    with_end,
    with_given,
)
from envfs.service.service import Service


async def grant(call: Call, request: GrantAccess) -> Sent:
    """Give a rule. Raises BadRequest for one that cannot be."""
    service = call.service
    _ = service.open_vault  # a log without a vault would be one that this request begins
    rule = _rule(service, request)
    if not service.open_vault.vault.exists(rule.level):
        refuse_credential(rule.level, "the level's name")
    if request.session:
        await end_sessions(service)
        rule = rule._replace(process=_session(call, rule))
    given = await give_rule(service, call.caller, check_giving(service, call.caller, rule))
    missing = () if service.open_vault.vault.exists(rule.level) else (f"there is no level {rule.level} yet",)
    notes = (*missing, *_notes(given), *_narrowed(service, given), *_crowded(service), *_shut_out(call, given))
    return Sent(RuleGiven(given.id, notes, who(given)))


def _session(call: Call, rule: Rule) -> RuleProcess:
    if not rule.token:
        raise BadRequest("only a token ends with a process", "give its digest along")
    process = call.peer.process()
    if process is None:
        raise NotApproved("this process cannot be seen, so nothing can end with it", _VISIBLE)
    return process


_VISIBLE = "run the command where the daemon runs, or make a token that lasts for a while"


def _shut_out(call: Call, rule: Rule) -> Iterator[str]:
    if not rights.may(call.service, call.caller, Capability.GRANT, rule.level):
        path = call.service.places.rules
        yield f"this program could not take it back: another one can, or an editor, in {path}"


def _rule(service: Service, request: GrantAccess) -> Rule:
    rule = _example(request)
    if rule.uid is not None:
        _check_reach(service, rule.uid)
    if request.dialect and request.dialect not in dialect_names.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialect_names.NAMES)}")
    if not 0 <= request.seconds <= MOST_SECONDS:
        raise BadRequest("a grant may last at most ten years", "leave --ttl out for one without end")
    try:
        decision = Decision(request.decision)
        rule = rule._replace(
            exe=_pin(request.exe, request.exe_sha256),
            script=_pin(request.script, request.script_sha256),
            under=_pin(request.under, request.under_sha256),
            only=parse_globs(request.only),
            max_reads=request.max_reads,
            birth=float(request.birth),
            decision=decision,
            dialect=request.dialect,
            token=parse_digest(request.token),
        )
        rule = rule._replace(can=parse_can(request.can) or (frozenset(Capability) if decision is _DENY else rule.can))
        check_rule(rule, dialect_names.NAMES)
    except (EnvFSError, ValueError) as error:
        text = error.text if isinstance(error, EnvFSError) else "there is no such decision"
        raise BadRequest(text, "`envfs grant --help` says what there is") from None
    return with_end(rule, request.seconds)


_DENY = Decision.DENY


def _example(request: GrantAccess | Revoke | ExplainAccess) -> Rule:
    # a rule with the conditions that a request names, and nothing else
    for number in (request.uid, request.gid):
        if number is not None and not 0 <= number < UIDS - 1:
            raise BadRequest("not a uid", "give a number, or a name with --user")
    for text in (request.exe, request.script, request.under, request.cgroup, request.unit):
        if has_control_characters(text):
            raise BadRequest("a path or a unit has control characters", "rename it")
    return Rule(
        names.parse_level(request.level),
        request.uid,
        gid=request.gid,
        exe=_pin(request.exe),
        script=_pin(request.script),
        under=_pin(request.under),
        cgroup=request.cgroup,
        unit=request.unit,
    )


def _pin(path: str, sha256: str = "") -> Pin | None:
    return Pin(path, sha256) if path else None


def _check_reach(service: Service, uid: int) -> None:
    if uid == service.owner:
        return
    if uid == user_namespace.UNMAPPED:
        raise BadRequest(f"uid {uid} is shared by unrelated services", "give the service a user of its own")
    if service.owner != 0:  # the kernel keeps others out of its mount, and their clients ask it nothing
        raise BadRequest(
            f"uid {uid} cannot reach this daemon: it serves uid {service.owner} alone",
            "a vault for several users is root's: as root run `envfs init`, `envfs mount`, and there this grant",
        )


def _notes(rule: Rule) -> Iterator[str]:
    if rule.uid is not None and not user_name(rule.uid):
        yield f"no user of this machine has uid {rule.uid}; a container's user may"
    if rule.uid == 0 and not rule.names_program and rule.decision is not _DENY:
        yield "every process of root's may read it then"
    if rule.names_program and not rule.token and rule.uid is None and rule.decision is not _DENY:
        yield "it is for every user of this machine: name one with --user"
    if rule.exe and not rule.exe.sha256:
        yield "without a pin it is for whatever program is at that path"


def _narrowed(service: Service, rule: Rule) -> Iterator[str]:
    # the most specific rule decides alone: one that gives less than a wider one takes the rest away. Who gives it may
    # know of the rules of this level, and the owner of those above
    known = (each for each in service.book.load() if rule.by is None or each.level == rule.level)
    for wider in known:
        over = names.within(rule.level, wider.level) and wider.key != rule.key and wider.decision is not _DENY
        if over and rule.decision is not _DENY and rule.can < wider.can and wider.uid in (None, rule.uid):
            lost = ", ".join(sorted(wider.can - rule.can))
            yield f"it counts in place of {wider.key} there, which gives {lost} too"


def _crowded(service: Service) -> Iterator[str]:
    if service.owner == 0 and sum(map(len, service.open_vault.gate.listers())) > MOST_LISTERS:
        yield f"{MOST_LISTERS} users at most may list the mount point; those of higher uids go by name"


async def use_token(_call: Call, _request: UseToken) -> Sent:
    """Refuse with BadRequest: a connection takes a token by itself, before it asks for anything."""
    raise BadRequest("a token is for a connection")


async def revoke(call: Call, request: Revoke) -> Sent:
    """Take rules back. Raises NoSuchLevel if there are none."""
    rules = call.service.book.load()
    if request.id:
        chosen = [rule for rule in rules if rule.key == request.id]
        missing = NoSuchLevel("there is no rule or token of that id", "`envfs grants` lists them")
    else:
        example = _example(request)
        chosen = chosen_rules(tuple(rule for rule in rules if rule.level == example.level), example)
        # a word in the place of a service may be a value by mistake
        named = who(example) if example.unit + example.cgroup == "" else "that caller"
        missing = NoSuchLevel(f"{named} has no grant on {example.level}", "`envfs grants` lists them")
    mine = [rule for rule in chosen if may_end(call.service, call.caller, rule)]
    is_owner = call.caller.is_user(call.service.owner)
    if not mine and chosen and (is_owner or any(_may_know(call, rule) for rule in chosen)):
        raise NotApproved("another one gave that rule", "ask the owner")
    if not mine:
        raise missing
    gone = with_given(rules, mine)
    await end_rules(call.service, call.caller, gone)
    return Sent(Done(tuple(f"the rule {rule.key} is gone: {who(rule)} on {rule.level}" for rule in gone)))


def _may_know(call: Call, rule: Rule) -> bool:
    return rights.may(call.service, call.caller, Capability.GRANT, rule.level)


async def list_grants(call: Call, _request: ListGrants) -> Sent:
    """Send the rules, those that ended left out, as far as the caller may give rules there."""
    for rule in call.service.book.load():
        left = _seconds_left(call.service, rule)
        if left > 0 and _may_know(call, rule):
            await call.send_row(_grant_row(call.service, rule, -1 if math.isinf(left) else round(left)))
    return Sent(Done())


def _seconds_left(service: Service, rule: Rule) -> float:
    try:
        return service.open_vault.gate.seconds_left(rule)
    except EnvFSError:  # no vault
        return math.inf


def _grant_row(service: Service, rule: Rule, seconds: int) -> GrantRow:
    return GrantRow(
        level=rule.level,
        uid=rule.uid,
        user="" if rule.uid is None else user_name(rule.uid),
        until=rule.until,
        seconds_left=seconds,
        dialect=rule.dialect,
        id=rule.key,
        who=who(rule),
        decision=rule.decision,
        can=tuple(sorted(rule.can)),
        only=rule.only,
        max_reads=rule.max_reads,
        reads=service.uses.count(rule.key) if rule.max_reads else 0,
        birth=round(rule.birth),
        gid=rule.gid,
        exe=rule.exe.path if rule.exe else "",
        script=rule.script.path if rule.script else "",
        under=rule.under.path if rule.under else "",
        cgroup=rule.cgroup,
        unit=rule.unit,
        pinned=any(pin and pin.sha256 for pin in (rule.exe, rule.script, rule.under)),
        is_token=bool(rule.token),
        by=rule.by,
        process=rule.process.pid if rule.process else 0,
        by_token=rule.by_token,
    )


async def explain_access(call: Call, request: ExplainAccess) -> Sent:
    """Say which rule answers a caller at a level, and why. Rows: RuleRow, the most specific first.

    Of rules of levels above, where this client may give none, nothing is told, nor of another user's processes, nor of
    files that not every user may read.

    Raises:
        BadRequest: what is asked about is no caller
        NotApproved: the process is another user's
    """
    example, gate = _example(request), call.service.open_vault.gate
    capability = _capability(request.capability)
    # in a thread: a process can let anybody wait who looks at it, and a file may be large
    digest_of = programs.digest_at if call.caller.is_user(call.service.owner) else programs.digest_for_all
    supposed = partial(callers.supposed_caller, example, digest_of)
    look = partial(callers.caller_of, request.pid) if request.pid else supposed
    asked = await call.service.open_vault.approvals.gathering.look(look, call.caller.uid)
    if asked is None:
        raise BadRequest("it takes too long to look at that", "name another process or program")
    if request.pid and not asked.unknown and not any(map(call.caller.is_user, (asked.uid, call.service.owner))):
        raise NotApproved("that is a process of another user", "ask the owner")
    policy = gate.policy()
    verdict = policy.decide(asked, example.level, clocks.boot_seconds(), capability)
    rule = verdict.rule
    for row in explanation.explain(policy, asked, example.level, clocks.boot_seconds(), capability):
        if rights.may(call.service, call.caller, Capability.GRANT, row.level):
            await call.send_row(RuleRow(*row))
        elif rule.startswith(f"{row.id} "):
            rule = "a rule of a level above"
    return Sent(Explained(verdict.decision, rule, asked.uid, asked.executable, *verdict.face))


def _capability(text: str) -> Capability:
    try:
        return Capability(text)
    except ValueError:
        raise BadRequest("there is no such capability", f"there are {', '.join(Capability)}") from None


def user_name(uid: int) -> str:
    """Return the name of a user of this machine, empty for a uid without one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
