"""Why a rule counts for a caller, or does not: for `envfs explain`."""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access.conditions import path_of
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.policy import Policy
from envfs.core.access.resolution import IndexedRule
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Pin, Rule, who
from envfs.core.access.rule_command import grant_command
from envfs.core.access.verdict import Decision


class RuleAnswer(NamedTuple):
    """One rule, and how it answers: `decides`, `denies`, `in doubt`, `is overruled`, `does not match`, `has ended`."""

    id: str
    level: str
    who: str
    decision: str
    answer: str
    reason: str = ""


def explain(policy: Policy, caller: Caller, level: str, seconds: float, capability: Capability) -> Iterator[RuleAnswer]:
    """Yield how each rule of a level and of those above answers a caller, the most specific first."""
    if caller.unknown:
        return
    resolution = policy.resolve(caller, level, seconds)
    asks = any(each.rule.decision is Decision.ASK and capability in each.rule.can for each in resolution.deciding)
    for entry in policy.entries(level):
        rule = entry.rule
        if not policy.lasts(entry, seconds):
            answer, reason = "has ended", rule.until if seconds >= entry.until else "its process has ended"
        elif entry in resolution.denying and entry.denies(capability):
            answer, reason = "denies", ""
        elif entry in resolution.deciding:
            answer, reason = "decides", _deciding(rule, capability, asks=asks)
        elif entry in resolution.doubtful:
            answer, reason = "in doubt", why_not(rule, caller, entry)
        elif policy.meets(entry, caller):
            answer, reason = "is overruled", _overruled(rule, capability)
        else:
            answer, reason = "does not match", why_not(rule, caller, entry)
        yield RuleAnswer(rule.key, rule.level, who(rule), rule.decision, answer, reason)


def _deciding(rule: Rule, capability: Capability, *, asks: bool) -> str:
    if capability not in rule.can:
        return f"it does not give {capability}"
    return "once a person said yes" if asks and rule.decision is not Decision.ASK else ""


def _overruled(rule: Rule, capability: Capability) -> str:
    if rule.decision is Decision.DENY and capability not in rule.can:
        return f"it does not deny {capability}"
    return "a more specific rule decides"


def why_not(rule: Rule, caller: Caller, entry: IndexedRule) -> str:
    """Say which conditions a caller does not meet, or which cannot be told."""
    return ", ".join(_reasons(rule, caller, entry))


def _reasons(rule: Rule, caller: Caller, entry: IndexedRule) -> Iterator[str]:
    evidence = caller.evidence(entry.needs)
    if rule.token and rule.token != caller.token:
        yield "it is for the bearer of a token"
    if rule.uid not in (None, caller.uid):
        yield f"the uid is {caller.uid}"
    if rule.gid is not None and rule.gid != caller.gid and rule.gid not in evidence.groups:
        yield f"not in group {rule.gid}" if Need.GROUPS in evidence.seen else "its groups cannot be seen"
    yield from _of_programs(rule, evidence)
    if rule.cgroup and not (caller.cgroup + "/").startswith(rule.cgroup.rstrip("/") + "/"):
        yield f"the cgroup is {caller.cgroup or 'not known'}"
    if rule.unit and evidence.unit != rule.unit:
        yield f"the unit is {evidence.unit or 'none'}" if Need.UNIT in evidence.seen else "its unit cannot be seen"
    if rule.birth and not (Need.AGE in evidence.seen and evidence.exec_age <= rule.birth):
        yield f"it started more than {rule.birth:g} s ago, or that cannot be seen"
    if rule.max_reads and rule.uid in (None, caller.uid):
        yield f"at most {rule.max_reads} processes may read by it"


def _of_programs(rule: Rule, evidence: Evidence) -> Iterator[str]:
    for name, pin, need, programs in (
        ("exe", rule.exe, Need.PROGRAM, (evidence.program,)),
        ("script", rule.script, Need.SCRIPT, (evidence.script,)),
        ("under", rule.under, Need.ANCESTORS, evidence.ancestors),
    ):
        if pin is not None:
            yield from _program_reasons(name, pin, programs, seen=need in evidence.seen)
            if _has_changed(pin, programs):
                yield f"give it again: `{grant_command(rule)}`"


def _has_changed(pin: Pin, programs: tuple[ProgramFile | None, ...]) -> bool:
    at_path = [program for program in programs if program and path_of(program.path) == pin.path]
    return bool(pin.sha256 and at_path) and all(program.sha256 not in ("", pin.sha256) for program in at_path)


def _program_reasons(name: str, pin: Pin, programs: tuple[ProgramFile | None, ...], *, seen: bool) -> Iterator[str]:
    at_path = [program for program in programs if program and path_of(program.path) == pin.path]
    if not seen:
        yield f"its {name} cannot be seen"
    elif not at_path:
        others = sorted({program.path for program in programs if program and program.path})
        yield f"{name} is {', '.join(others) or 'none'}"
    elif _has_changed(pin, programs):
        yield f"{pin.path} has changed since it was pinned"
    elif not pin.sha256 and not any(program.is_there for program in at_path):
        yield f"another file than the one at {pin.path}"
