"""Rules as they are given and taken back: by the owner any, by another caller no more than it has itself.

Laws: a caller gives only what it may do itself, at its level and at each one below, by rules that last as long and have
no limit that would be passed on. It neither replaces nor ends what another one gave, where the bearers of a token are
one. Their rules end with the token. A caller gives nothing that a rule denies there, nor a rule that would count in
the place of another one's and gives less.
"""

import fnmatch
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from envfs.core import events, names
from envfs.core.access.caller import Caller
from envfs.core.access.resolution import IndexedRule, rank
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Rule, who
from envfs.core.access.verdict import Decision
from envfs.errors import AlreadyExists, AuditUnavailable, EnvFSError, NotApproved, UnsafeSettings
from envfs.host import clocks
from envfs.host.callers import rule_processes
from envfs.rules_file import MOST_RULES
from envfs.service.access import rights
from envfs.service.service import Service

_HINT = "ask the owner"
_READ = Capability.READ
_ASKED = frozenset((Capability.READ, Capability.NAMES))  # all that a rule which asks can come to
_FROM_MILD_TO_STRICT = (Decision.ALLOW, Decision.MASK, Decision.ASK, Decision.DENY)


def with_end(rule: Rule, seconds: int) -> Rule:
    """Let a rule begin now, and last so many seconds. 0 is without end."""
    if not seconds:
        return rule
    until = clocks.time_text(datetime.now(UTC) + timedelta(seconds=seconds))
    return rule._replace(until=until, boot=clocks.boot_id(), boot_until=clocks.boot_seconds() + seconds)


async def give_rule(service: Service, caller: Caller, rule: Rule) -> Rule:
    """Give a rule that the caller may give, and return it with its id. The log has it first.

    Raises:
        AuditUnavailable: it cannot be recorded. Then it is not given
        TooLarge: there are too many
        StoreUnavailable: it cannot be written. The log says so behind the entry
    """
    _make_room(service)
    letter = "t" if rule.token else "g"
    replaced = service.book.replaced_by(rule)
    coming = rule._replace(id=service.book.next_key(letter))
    old = f", in place of {' '.join(older.key for older in replaced)}" if replaced else ""
    service.log.append(events.granted(rule.level, f"{coming.key} {who(coming)}{old}"), caller)
    try:
        given = service.book.give(rule, letter)
    except EnvFSError:
        with suppress(EnvFSError):
            is_given = coming.key in {each.key for each in service.book.load()}
            _say_what_stays(service, replaced if is_given else ())
            if not is_given:
                event = events.revoked(rule.level, f"{coming.key} {who(coming)}: it was not given")
                service.log.append(event, service.me)
        raise
    await service.after_revoke()  # it may be stricter than the one that it replaces, or end sooner
    return given


def _make_room(service: Service) -> None:
    # rules of the past are worth a row in `explain` as long as they are few
    rules = service.book.load()
    if len(rules) >= MOST_RULES // 4:
        service.book.end_given([rule.key for rule in rules if service.open_vault.gate.seconds_left(rule) <= 0])


async def end_rules(service: Service, caller: Caller, rules: Sequence[Rule]) -> None:
    """Take rules back that the caller may end, and what the bearers of tokens among them gave.

    The log has that first: no access by one of them comes after the entry.

    Raises:
        AuditUnavailable: it cannot be recorded. They are gone all the same: nothing is served without a log anyhow
        StoreUnavailable: they cannot be taken out. The log says behind the entries which ones are still there
    """
    rules = with_given(service.book.load(), rules)
    problem: AuditUnavailable | None = None
    try:
        for rule in rules:
            service.log.append(events.revoked(rule.level, f"{rule.key} {who(rule)}"), caller)
    except AuditUnavailable as error:
        problem = error
    try:
        service.book.end([rule.key for rule in rules])
    except EnvFSError:
        _say_what_stays(service, rules)
        raise
    with suppress(UnsafeSettings):
        service.uses.tidy(service.book.load())
    await service.after_revoke()
    if problem is not None:
        raise problem


def with_given(rules: Iterable[Rule], ended: Sequence[Rule]) -> list[Rule]:
    """Return some rules, and those of `rules` that were given by their bearers, and by the bearers of these."""
    everything, result = list(rules), list(ended)
    for each in result:
        result += [rule for rule in everything if rule.by_token == each.key and each.token and rule not in result]
    return result


def _say_what_stays(service: Service, rules: Sequence[Rule]) -> None:
    with suppress(EnvFSError):
        there = {rule.key for rule in service.book.load()}
        for rule in rules:
            if rule.key in there:
                event = events.granted(rule.level, f"{rule.key} {who(rule)}: it could not be taken back")
                service.log.append(event, service.me)


async def end_sessions(service: Service) -> None:
    """Take back the rules whose process has ended. They count no more since then."""
    over = [rule for rule in service.book.load() if rule.process and rule_processes.has_ended(rule.process)]
    if over:
        await end_rules(service, service.me, over)


def check_giving(service: Service, caller: Caller, rule: Rule) -> Rule:
    """Return a rule as this caller may give it.

    Raises:
        NotApproved: it would give more than the caller has
        AlreadyExists: another one gave a rule for the same callers
    """
    if caller.is_user(service.owner):
        return rule
    rule = rule._replace(by=caller.uid, by_token=_token_id(service, caller))
    for each in service.book.load():
        if each.condition == rule.condition and each.maker != rule.maker:
            raise AlreadyExists(f"the rule {each.key} is for {who(rule)} already, and is another one's", _HINT)
        if _is_denied_by(service, each, rule):
            raise NotApproved(f"{_name(each, rule.level)} denies that there", _HINT)
        is_own = each.maker == rule.maker or (rule.uid is not None and caller.is_user(rule.uid))
        if not is_own and _takes_from(service, rule, each):
            raise NotApproved(f"it would count in place of {_name(each, rule.level)}, which gives more", _HINT)
    if rule.decision is Decision.DENY:
        raise NotApproved("only the owner may give a rule that denies", _HINT)
    gate = service.open_vault.gate
    for level in gate.policy().levels_below(rule.level):
        rules = gate.policy().resolve(caller, level, clocks.boot_seconds())
        for capability in rule.can:
            verdict = gate.decide(caller, level, capability)
            masks = verdict.decision is Decision.MASK and rule.decision is Decision.MASK
            served = verdict.decision is Decision.ALLOW or masks or (verdict.is_served and capability is not _READ)
            if not served or not _covers(verdict.face.only, rule.only, capability):
                raise NotApproved(f"uid {caller.uid} cannot give `{capability}` at {level}: it has less itself", _HINT)
        _check_limits(service, [entry for entry in rules.deciding if entry.rule.can & rule.can], rule)
    return rule


def _token_id(service: Service, caller: Caller) -> str:
    if not caller.token:
        return ""
    token = service.open_vault.gate.policy().token_id(caller.token, clocks.boot_seconds())
    if not token:  # the bearer of none gives nothing
        raise NotApproved("the token is not valid any more", _HINT)
    return token


def _name(rule: Rule, level: str) -> str:
    # who may give rules at a level need not know of those above
    return f"the rule {rule.key}" if rule.level == level else "a rule of a level above"


def _is_denied_by(service: Service, denying: Rule, rule: Rule) -> bool:
    # a rule of a level below, or one that names more, would count in the place of the one that denies
    if denying.decision is not Decision.DENY or not names.within(rule.level, denying.level):
        return False
    others = None not in (denying.uid, rule.uid) and denying.uid != rule.uid
    return not others and bool(denying.can & rule.can) and service.open_vault.gate.seconds_left(denying) > 0


def _takes_from(service: Service, rule: Rule, other: Rule) -> bool:
    # the most specific rule decides alone: one that gives less than another's is a denial
    are_of_bearers = rule.token or other.token  # who go by the one rule of their token
    if other.decision is Decision.DENY or are_of_bearers or not names.within(rule.level, other.level):
        return False
    if None not in (other.uid, rule.uid) and other.uid != rule.uid:
        return False
    counts = rule.level != other.level or rank(rule) >= rank(other)
    given = other.can & _ASKED if other.decision is Decision.ASK else other.can
    is_stricter = _FROM_MILD_TO_STRICT.index(rule.decision) > _FROM_MILD_TO_STRICT.index(other.decision)
    less = is_stricter or not rule.can >= given or rule.only not in ((), other.only)
    return counts and less and service.open_vault.gate.seconds_left(other) > 0


def _covers(own: tuple[str, ...], given: tuple[str, ...], capability: Capability) -> bool:
    if not own or capability not in (Capability.READ, Capability.NAMES):
        return True
    # a glob is covered by itself, a name by any glob that it fits
    return bool(given) and all(glob in own or (_is_name(glob) and _fits(glob, own)) for glob in given)


def _is_name(glob: str) -> bool:
    return "*" not in glob and "?" not in glob


def _fits(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _check_limits(service: Service, own: list[IndexedRule], rule: Rule) -> None:
    lasts = clocks.boot_seconds() + service.open_vault.gate.seconds_left(rule)
    for entry in own:
        if entry.rule.max_reads or entry.rule.birth or entry.rule.process:
            raise NotApproved(f"the rule {entry.rule.key} has a limit that cannot be passed on", _HINT)
        if lasts > entry.until and not math.isinf(entry.until):
            raise NotApproved(f"the rule {entry.rule.key} ends sooner than that", "name a shorter time with --ttl")


def may_end(service: Service, caller: Caller, rule: Rule) -> bool:
    """Tell whether a caller may take a rule back: its own, or with `admin` at its level any.

    The owner any, but by a program to which a rule denies `grant` there: it would take that rule back first.
    """
    if caller.is_user(service.owner):
        return rights.may(service, caller, Capability.GRANT, rule.level)
    if service.open_vault.gate.allows(caller, rule.level, Capability.ADMIN):
        return True
    maker = _token_id(service, caller) or caller.uid
    return rule.maker == maker and service.open_vault.gate.allows(caller, rule.level, Capability.GRANT)


def chosen_rules(rules: tuple[Rule, ...], example: Rule) -> list[Rule]:
    """Return the rules of a level that name all that `example` does. One that denies only if it names nothing else."""
    named = [(place, part) for place, part in enumerate(example.condition) if part not in (None, "")]
    fitting = [rule for rule in rules if all(rule.condition[place] == part for place, part in named)]
    return [rule for rule in fitting if rule.decision is not Decision.DENY or rule.condition == example.condition]
