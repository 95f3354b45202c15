"""The laws of the rules: the default is deny, a deny never widens, order never matters, every end comes."""

import itertools
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Pin, Rule
from envfs.core.access.verdict import Decision

NOW = Moment("boot", 100.0, "2026-11-21T12:00:00.000000Z")
STRICTNESS = {Decision.ALLOW: 0, Decision.MASK: 1, Decision.ASK: 2, Decision.DENY: 3}
PATHS = ("/bin/a", "/bin/b")
DIGESTS = ("", "0" * 64, "1" * 64)
levels = st.lists(st.sampled_from("ab"), max_size=3).map(lambda parts: "/" + "/".join(parts))
numbers = st.none() | st.integers(0, 2)
pins = st.none() | st.builds(Pin, st.sampled_from(PATHS), st.sampled_from(DIGESTS))
ends = st.sampled_from(
    [("", "", 0.0), ("2027-01-01T00:00:00.000000Z", "boot", 50.0), ("2027-01-01T00:00:00.000000Z", "boot", 150.0)]
)
GIVEN = (Capability.READ, Capability.NAMES, Capability.WRITE)
SUBSETS = [frozenset(some) for size in (1, 2, 3) for some in itertools.combinations(GIVEN, size)]
capability_sets = st.sampled_from(SUBSETS)  # a strategy of sets throws away what it drew twice


def make_rule(level: str, uid: int | None, end: tuple[str, str, float], **others: object) -> Rule:
    return Rule(level, uid, *end, **others)  # type: ignore[arg-type]


rules = st.builds(
    make_rule,
    levels,
    numbers,
    ends,
    gid=numbers,
    exe=pins,
    script=pins,
    under=pins,
    unit=st.sampled_from(["", "a.service"]),
    cgroup=st.sampled_from(["", "/a"]),
    only=st.sampled_from([(), ("A*",), ("B",)]),
    decision=st.sampled_from(Decision),
    can=capability_sets,
    birth=st.sampled_from([0.0, 5.0]),
)
rule_lists = st.lists(rules, max_size=6)
denials = st.builds(lambda rule: rule._replace(decision=Decision.DENY), rules)


class Seen(NamedTuple):
    """A source that shows the same, whatever is asked for."""

    evidence: Evidence

    def gather(self, _needs: frozenset[Need]) -> Evidence:
        return self.evidence


program_files = st.builds(
    ProgramFile, st.sampled_from(PATHS), st.just(1), st.just(1), st.sampled_from(DIGESTS), st.booleans()
)
files = st.none() | program_files
evidence = st.builds(
    Evidence,
    st.lists(st.integers(0, 2), max_size=2).map(tuple),
    st.sampled_from([1.0, 9.0]),
    files,
    files,
    st.lists(program_files, max_size=2).map(tuple),
    st.just(1),
    st.sampled_from(["", "a.service"]),
    st.sampled_from([0, 7]),
    st.frozensets(st.sampled_from(Need)),
)
callers = st.builds(
    lambda uid, gid, executable, cgroup, seen: Caller(uid, gid, 1, executable, cgroup, "", Seen(seen)),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["", *PATHS]),
    st.sampled_from(["", "/a", "/a/b", "/ab"]),
    evidence,
)
capabilities = st.sampled_from((Capability.READ, Capability.NAMES, Capability.WRITE, Capability.ADMIN))


def decision(policy: Policy, caller: Caller, level: str, capability: Capability = Capability.READ) -> Decision:
    return policy.decide(caller, level, NOW.seconds, capability).decision


@given(rule_lists, callers, levels, capabilities)
def test_nothing_is_allowed_that_no_rule_gives(
    given_: list[Rule], caller: Caller, level: str, capability: Capability
) -> None:
    if decision(Policy(given_, NOW), caller, level, capability) is not Decision.DENY:
        assert any(
            rule.decision is not Decision.DENY
            and capability in rule.can
            and rule.level in names.chain(level)
            and (not rule.until or rule.boot_until > NOW.seconds)
            and rule.uid in (None, caller.uid)
            and (rule.exe is None or caller.executable in ("", rule.exe.path))
            and rule.names_anybody
            for rule in given_
        )


@given(rule_lists, denials, callers, levels, capabilities)
def test_one_more_rule_that_denies_never_widens(
    given_: list[Rule], denial: Rule, caller: Caller, level: str, capability: Capability
) -> None:
    before = Policy(given_, NOW).decide(caller, level, NOW.seconds, capability)
    after = Policy([*given_, denial], NOW).decide(caller, level, NOW.seconds, capability)
    assert STRICTNESS[after.decision] >= STRICTNESS[before.decision]
    if after.decision is not Decision.DENY:
        assert after == before


@given(rule_lists, st.randoms(), callers, levels, capabilities)
def test_the_order_of_rules_never_matters(
    given_: list[Rule],
    random: Random,
    caller: Caller,
    level: str,
    capability: Capability,
) -> None:
    first, second = Policy(given_, NOW), Policy(random.sample(given_, len(given_)), NOW)
    assert first.decide(caller, level, NOW.seconds, capability) == second.decide(caller, level, NOW.seconds, capability)
    assert first.sees(caller, level, NOW.seconds) is second.sees(caller, level, NOW.seconds)
    assert first.listers(NOW.seconds, level) == second.listers(NOW.seconds, level)


@given(rule_lists, callers, levels, st.frozensets(st.sampled_from(Need)))
def test_a_caller_of_whom_less_can_be_seen_gets_no_more(
    given_: list[Rule], caller: Caller, level: str, hidden: frozenset[Need]
) -> None:
    seen = caller.evidence(frozenset())
    blurred = caller._replace(source=Seen(seen._replace(seen=seen.seen - hidden)))
    policy = Policy(given_, NOW)
    assert STRICTNESS[decision(policy, blurred, level)] >= STRICTNESS[decision(policy, caller, level)]


@given(rule_lists, callers, levels)
def test_what_ended_is_as_if_it_had_never_been(given_: list[Rule], caller: Caller, level: str) -> None:
    lasting = [rule for rule in given_ if not rule.until or rule.boot_until > NOW.seconds]
    assert Policy(given_, NOW).decide(caller, level, NOW.seconds) == Policy(lasting, NOW).decide(
        caller, level, NOW.seconds
    )


@given(rule_lists, callers, levels)
def test_a_verdict_stays_until_the_next_end(given_: list[Rule], caller: Caller, level: str) -> None:
    policy = Policy(given_, NOW)
    end = policy.next_end(NOW.seconds)
    last = min(end, 10**6) - 0.001
    assert policy.decide(caller, level, last) == policy.decide(caller, level, NOW.seconds)


@given(rule_lists, callers, levels, capabilities)
def test_what_may_be_done_may_be_seen_with_all_the_way_to_it(
    given_: list[Rule], caller: Caller, level: str, capability: Capability
) -> None:
    policy = Policy(given_, NOW)
    if decision(policy, caller, level, capability) is not Decision.DENY:
        assert all(policy.sees(caller, step, NOW.seconds) for step in names.chain(level))


@given(rule_lists, callers, levels)
def test_what_is_seen_leads_to_something_that_may_be_done(given_: list[Rule], caller: Caller, level: str) -> None:
    policy = Policy(given_, NOW)
    if policy.sees(caller, level, NOW.seconds):
        below = [level, *(rule.level for rule in given_ if names.within(rule.level, level))]
        assert any(
            decision(policy, caller, step, capability) is not Decision.DENY
            for step in below
            for capability in Capability
        )


@given(rule_lists, levels)
def test_an_unknown_caller_gets_nothing(given_: list[Rule], level: str) -> None:
    policy = Policy(given_, NOW)
    for caller in (Caller(0, 0, 0), Caller(1, 1, 1, doubt="somebody")):
        assert decision(policy, caller, level) is Decision.DENY
        assert not policy.sees(caller, level, NOW.seconds)
        assert not policy.can_anywhere(caller, Capability.NAMES, NOW.seconds)


def answered_yes(rule: Rule) -> Rule:
    return rule._replace(decision=Decision.ALLOW) if rule.decision is Decision.ASK else rule


@given(rule_lists, callers, levels, st.sampled_from((Capability.READ, Capability.NAMES)))
def test_a_yes_gives_what_the_rules_come_to_once_those_that_ask_allow(
    given_: list[Rule], caller: Caller, level: str, capability: Capability
) -> None:
    asked = Policy(given_, NOW).decide(caller, level, NOW.seconds, capability)
    if asked.decision is Decision.ASK:
        after = Policy(map(answered_yes, given_), NOW).decide(caller, level, NOW.seconds, capability)
        assert after.is_served
        assert asked.face == after.face
        assert asked.face.masked is (after.decision is Decision.MASK)


CALLER_A = Caller(1, 1, 1, "/bin/a", "", "", Seen(Evidence()))  # of its program nothing can be seen
ONLY: tuple[tuple[str, ...], ...] = ((), ("A*",), ("B",))
KINDS = [
    Rule("/", 1, decision=decision, only=only, exe=Pin("/bin/a") if is_doubtful else None)
    for decision in Decision
    for only in ONLY
    for is_doubtful in (False, True)
]


def test_after_a_yes_no_value_is_had_where_a_rule_of_that_rank_or_one_in_doubt_masks() -> None:
    for chosen in (*itertools.product(KINDS, repeat=2), *itertools.product(KINDS[::6] + KINDS[1::6], repeat=3)):
        rules_ = [rule._replace(id=f"g{number}") for number, rule in enumerate(chosen, 1)]
        asked = Policy(rules_, NOW).decide(CALLER_A, "/", NOW.seconds)
        after = Policy(map(answered_yes, rules_), NOW).decide(CALLER_A, "/", NOW.seconds)
        decisions = {rule.decision for rule in rules_}
        if asked.decision is Decision.DENY:
            continue
        assert (asked.decision is Decision.ASK) is (Decision.ASK in decisions), rules_
        assert asked.face.masked is (Decision.MASK in decisions), rules_
        assert asked.face == after.face, rules_


moments = st.lists(st.sampled_from([100.0, 120.0, 149.0, 150.0, 151.0, 200.0]), min_size=1, max_size=4).map(sorted)
doubts = st.sampled_from([("", 1), ("somebody", 1), ("", 0)])
bearers = st.builds(
    lambda caller, token, doubt: caller._replace(token=token, doubt=doubt[0], pid=doubt[1]),
    callers,
    st.sampled_from(["", "t"]),
    doubts,
)


@given(st.lists(rules | st.builds(lambda rule: rule._replace(token="t"), rules), max_size=6), st.data())
def test_a_policy_that_was_asked_much_answers_as_one_that_never_was(given_: list[Rule], data: st.DataObject) -> None:
    asked = Policy(given_, NOW)
    for seconds in data.draw(moments):
        for caller in data.draw(st.lists(bearers, max_size=4)):
            level, capability = data.draw(levels), data.draw(capabilities)
            fresh = Policy(given_, NOW)
            answer = asked.decide(caller, level, seconds, capability)
            assert answer == fresh.decide(caller, level, seconds, capability)
            assert asked.sees(caller, level, seconds) is fresh.sees(caller, level, seconds)
