"""Who may read what: the default is deny, and every end comes."""

import itertools
import math
from typing import NamedTuple

import pytest

from envfs.core.access import conditions
from envfs.core.access.caller import Caller
from envfs.core.access.conditions import NoUses
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.face import Face
from envfs.core.access.policy import Policy
from envfs.core.access.roles import VIEWER, WRITER, Capability
from envfs.core.access.rule import Moment, Pin, Rule, end
from envfs.core.access.verdict import Decision

NOW = Moment("boot-1", 1000.0, "2026-11-21T12:00:00.000000Z")
ME = Caller(1000, 1000, 42)


def decision(grants: list[Rule], caller: Caller, level: str, seconds: float = NOW.seconds) -> str:
    return Policy(grants, NOW).decide(caller, level, seconds).decision


@pytest.mark.parametrize(
    ("grants", "caller", "level", "wanted"),
    [
        ([], ME, "/", "deny"),
        ([], Caller(0, 0, 1), "/", "deny"),
        ([Rule("/", 1000)], ME, "/", "allow"),
        ([Rule("/", 1000)], ME, "/shop/prod", "allow"),
        ([Rule("/", 1000)], Caller(0, 0, 1), "/", "deny"),
        ([Rule("/", 1000)], Caller(1001, 1000, 42), "/", "deny"),
        ([Rule("/shop", 1000)], ME, "/shop", "allow"),
        ([Rule("/shop", 1000)], ME, "/shop/prod", "allow"),
        ([Rule("/shop", 1000)], ME, "/", "deny"),
        ([Rule("/shop", 1000)], ME, "/shopping", "deny"),
        ([Rule("/shop", 1000)], ME, "/other", "deny"),
        ([Rule("/shop/prod", 1000)], ME, "/shop", "deny"),
        ([Rule("/a", 1000), Rule("/b", 1000)], ME, "/b", "allow"),
        ([Rule("/a", 1000), Rule("/b", 1001)], ME, "/b", "deny"),
        ([Rule("/", 1000)], ME._replace(doubt="cannot be read"), "/", "deny"),
        ([Rule("/", 1000)], Caller(1000, 1000, 0, doubt="outside"), "/", "deny"),
    ],
)
def test_the_decision_table(grants: list[Rule], caller: Caller, level: str, wanted: str) -> None:
    assert decision(grants, caller, level) == wanted


def test_a_verdict_names_its_rule() -> None:
    policy = Policy([Rule("/shop", 1000)], NOW)
    assert policy.decide(ME, "/shop/prod", NOW.seconds).rule == f"{Rule('/shop', 1000).key} uid 1000 /shop"
    assert policy.decide(ME, "/x", NOW.seconds).rule == "no grant"
    assert "no name" in policy.decide(ME._replace(doubt="no name"), "/shop", NOW.seconds).rule


UNTIL = "2026-11-21T13:00:00.000000Z"


@pytest.mark.parametrize(
    ("grant", "seconds"),
    [
        (Rule("/", 1), math.inf),
        (Rule("/", 1, UNTIL, "boot-1", 1500.0), 1500.0),
        # set to end by the boot clock: what the wall clock says does not count in the same run
        (Rule("/", 1, "2000-01-01T00:00:00.000000Z", "boot-1", 1500.0), 1500.0),
        (Rule("/", 1, "2999-01-01T00:00:00.000000Z", "boot-1", 500.0), 500.0),
        # in another run only the wall clock counts
        (Rule("/", 1, UNTIL, "boot-0", 10.0), 4600.0),
        (Rule("/", 1, "2026-11-21T11:59:59.000000Z", "boot-0", 1e9), 999.0),
        (Rule("/", 1, UNTIL), 4600.0),
    ],
)
def test_an_end_is_placed_in_this_run_of_the_machine(grant: Rule, seconds: float) -> None:
    assert end(grant, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("until", ["tomorrow", "2026-11-21T13:00:00", "1 Dec 2026", "9999", "-", "2999-01-01"])
def test_an_end_that_cannot_be_read_has_come(until: str) -> None:
    assert end(Rule("/", 1, until), NOW) == -math.inf
    assert decision([Rule("/", 1000, until)], ME, "/") == "deny"


@pytest.mark.parametrize(
    ("grant", "seconds", "wanted"),
    [
        (Rule("/", 1000, UNTIL, "boot-1", 1500.0), 1499.9, "allow"),
        (Rule("/", 1000, UNTIL, "boot-1", 1500.0), 1500.0, "deny"),
        (Rule("/", 1000, UNTIL, "boot-1", 1500.0), 1e9, "deny"),
        (Rule("/", 1000, UNTIL, "boot-0", 1.0), 4599.0, "allow"),
        (Rule("/", 1000, UNTIL, "boot-0", 1.0), 4601.0, "deny"),
        (Rule("/", 1000, "2026-11-21T11:00:00.000000Z", "boot-0", 1e9), 1000.0, "deny"),
    ],
)
def test_a_grant_ends_to_the_moment(grant: Rule, seconds: float, wanted: str) -> None:
    assert decision([grant], ME, "/", seconds) == wanted


def test_one_grant_that_ended_does_not_hide_another_that_lasts() -> None:
    gone = Rule("/shop", 1000, UNTIL, "boot-1", 900.0)
    assert decision([gone, Rule("/", 1000)], ME, "/shop") == "allow"
    assert decision([gone], ME, "/shop") == "deny"


@pytest.mark.parametrize(
    ("level", "uid", "seen"),
    [
        ("/", 1000, True),
        ("/shop", 1000, True),
        ("/shop/prod", 1000, True),
        ("/shop/prod/eu", 1000, True),
        ("/shop/test", 1000, False),
        ("/shopping", 1000, False),
        ("/other", 1000, False),
        ("/", 0, False),
        ("/", 1001, False),
        ("/shop/prod", 1001, False),
    ],
)
def test_a_uid_sees_its_levels_and_the_way_to_them(level: str, uid: int, seen: bool) -> None:
    assert Policy([Rule("/shop/prod", 1000)], NOW).sees(Caller(uid, 1, 1), level, NOW.seconds) is seen


def test_a_grant_that_ended_shows_nothing_any_more() -> None:
    policy = Policy([Rule("/shop", 1000, UNTIL, "boot-1", 1500.0)], NOW)
    assert policy.sees(ME, "/shop", 1499.0)
    assert not policy.sees(ME, "/shop", 1500.0)
    assert not policy.sees(ME, "/", 1500.0)


@pytest.mark.parametrize(
    ("caller", "is_me"),
    [
        (ME, True),
        (Caller(1001, 1000, 42), False),
        (ME._replace(doubt="cannot be read"), False),
        (ME._replace(pid=0), False),
        (ME._replace(pid=-1), False),
    ],
)
def test_a_caller_is_a_user_if_it_was_identified_as_that_one(caller: Caller, is_me: bool) -> None:
    assert caller.is_user(1000) is is_me
    policy = Policy([Rule("/a", 1000), Rule("/b", 1000), Rule("/c", 1000, UNTIL, "boot-1", 900.0)], NOW)
    assert policy.grants(caller, NOW.seconds) == (2 if is_me else 0)


# -- rules that name more than a uid -----------------------------------------------------------------------------------

NODE, OTHER = "0" * 64, "1" * 64
ALL_SEEN = frozenset(Need)
PROCESS = Evidence(
    groups=(1000, 7),
    exec_age=3.0,
    program=ProgramFile("/usr/bin/node", 1, 1, NODE, is_there=True),
    script=ProgramFile("/srv/app.js", 1, 2, "2" * 64, is_there=True),
    ancestors=(ProgramFile("/usr/bin/bash", 1, 3, "3" * 64, is_there=True), ProgramFile("/usr/bin/tmux", 1, 4)),
    session=5,
    unit="shop.service",
    pidfd=77,
    seen=ALL_SEEN,
)


class Seen(NamedTuple):
    """A source that shows the same, whatever is asked for, and remembers nothing."""

    evidence: Evidence

    def gather(self, _needs: frozenset[Need]) -> Evidence:
        return self.evidence


def process(**changes: object) -> Caller:
    evidence = PROCESS._replace(**changes)  # type: ignore[arg-type]
    executable = evidence.program.path if evidence.program else ""
    return Caller(1000, 1000, 42, executable, "/system.slice/shop.service", "", Seen(evidence))


@pytest.mark.parametrize(
    ("rule", "caller", "met"),
    [
        (Rule("/", gid=1000), process(), True),
        (Rule("/", gid=7), process(), True),
        (Rule("/", gid=8), process(), False),
        (Rule("/", gid=7), process(seen=frozenset()), None),
        (Rule("/", gid=1000), process(seen=frozenset()), True),
        (Rule("/", exe=Pin("/usr/bin/node", NODE)), process(), True),
        (Rule("/", exe=Pin("/usr/bin/node", OTHER)), process(), None),
        (Rule("/", exe=Pin("/usr/bin/node")), process(), True),
        (Rule("/", exe=Pin("/usr/bin/node")), process(program=ProgramFile("/usr/bin/node")), None),
        (Rule("/", exe=Pin("/usr/bin/node")), process(program=ProgramFile("/usr/bin/node (deleted)")), None),
        (Rule("/", exe=Pin("/usr/bin/node", NODE)), process(program=ProgramFile("/tmp/node", 1, 1, NODE)), False),
        (Rule("/", exe=Pin("/usr/bin/node")), process(seen=frozenset()), None),
        (Rule("/", exe=Pin("/usr/bin/cat")), process(seen=frozenset()), False),
        (Rule("/", exe=Pin("/usr/bin/cat")), process(program=None, seen=frozenset()), None),
        (Rule("/", script=Pin("/srv/app.js")), process(), True),
        (Rule("/", script=Pin("/srv/app.js", OTHER)), process(), None),
        (Rule("/", script=Pin("/srv/x.js")), process(), False),
        (Rule("/", script=Pin("/srv/app.js")), process(script=None), False),
        (Rule("/", script=Pin("/srv/app.js")), process(seen=frozenset()), None),
        (Rule("/", under=Pin("/usr/bin/bash")), process(), True),
        (Rule("/", under=Pin("/usr/bin/tmux")), process(), None),
        (Rule("/", under=Pin("/usr/bin/node")), process(), False),
        (Rule("/", under=Pin("/usr/bin/bash")), process(seen=frozenset()), None),
        (Rule("/", unit="shop.service"), process(), True),
        (Rule("/", unit="other.service"), process(), False),
        (Rule("/", unit="shop.service"), process(seen=frozenset()), None),
        (Rule("/", cgroup="/system.slice"), process(), True),
        (Rule("/", cgroup="/system.slice/shop.service"), process(), True),
        (Rule("/", cgroup="/system.slice/shop"), process(), False),
        (Rule("/", cgroup="/user.slice"), process(), False),
        (Rule("/", cgroup="/user.slice"), process()._replace(cgroup=""), None),
        (Rule("/", 1000, birth=5.0), process(), True),
        (Rule("/", 1000, birth=2.0), process(), False),
        (Rule("/", 1000, birth=5.0), process(seen=frozenset()), None),
        (Rule("/", 1000, max_reads=1), process(), True),
        (Rule("/", 1000, max_reads=1), process(pidfd=0), None),
        (Rule("/", 1001, gid=7, unit="shop.service"), process(), False),
        (Rule("/", 1000, gid=7, unit="shop.service", exe=Pin("/usr/bin/node", NODE)), process(), True),
    ],
)
def test_a_rule_is_met_by_all_that_it_names(rule: Rule, caller: Caller, *, met: bool | None) -> None:
    assert conditions.meets(rule, conditions.needs(rule), caller, NoUses()) is met
    assert decision([rule], caller, "/") == ("allow" if met else "deny")
    denied = decision([Rule("/", gid=1000), rule._replace(decision=Decision.DENY)], caller, "/")
    assert denied == ("allow" if met is False else "deny")


EXE = {"exe": Pin("/usr/bin/node", NODE)}
FROM_LEAST_TO_MOST = [
    Rule("/", gid=7),
    Rule("/", 1000),
    Rule("/", 1000, gid=7),
    Rule("/", unit="shop.service"),
    Rule("/", 1000, unit="shop.service", cgroup="/system.slice"),
    Rule("/", under=Pin("/usr/bin/bash")),
    Rule("/", under=Pin("/usr/bin/bash", "3" * 64)),
    Rule("/", script=Pin("/srv/app.js")),
    Rule("/", 1000, script=Pin("/srv/app.js"), under=Pin("/usr/bin/bash")),
    Rule("/", exe=Pin("/usr/bin/node")),
    Rule("/", exe=Pin("/usr/bin/node", NODE)),
    Rule("/", 1000, exe=Pin("/usr/bin/node", NODE)),
    Rule("/a", gid=7),
]


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_specific_rule_decides(order: int) -> None:
    caller = process()
    for less, more in itertools.combinations(FROM_LEAST_TO_MOST, 2):
        for first, second in (("allow", "mask"), ("mask", "allow"), ("ask", "allow"), ("deny", "allow")):
            rules = [less._replace(decision=Decision(first)), more._replace(decision=Decision(second))]
            assert decision(rules[::order], caller, "/a") == second, rules


@pytest.mark.parametrize(
    ("decisions", "wanted"),
    [
        (["allow", "mask"], "mask"),
        (["mask", "ask"], "ask"),
        (["allow", "ask"], "ask"),
        (["ask", "deny"], "deny"),
        (["allow", "deny"], "deny"),
        (["allow", "allow"], "allow"),
    ],
)
def test_of_rules_that_are_as_specific_the_strictest_decides(decisions: list[str], wanted: str) -> None:
    rules = [Rule("/", 1000, id=f"g{n}", decision=Decision(each)) for n, each in enumerate(decisions)]
    assert decision(rules, ME, "/") == wanted
    assert decision(rules[::-1], ME, "/") == wanted


def test_rules_that_are_as_specific_add_their_names_up() -> None:
    rules = [Rule("/", 1000, only=("A",)), Rule("/", 1000, only=("B*",), dialect="node")]
    assert Policy(rules, NOW).decide(ME, "/", NOW.seconds).face == Face("node", masked=False, only=("A", "B*"))
    assert Policy([*rules, Rule("/", 1000)], NOW).decide(ME, "/", NOW.seconds).face.only == ()


def test_the_deciding_rule_says_alone_what_may_be_done() -> None:
    rules = [Rule("/", 1000, can=WRITER), Rule("/shop", 1000, can=VIEWER)]
    policy = Policy(rules, NOW)
    assert policy.decide(ME, "/", NOW.seconds, Capability.WRITE).decision == "allow"
    assert policy.decide(ME, "/shop/prod", NOW.seconds, Capability.NAMES).decision == "allow"
    verdict = policy.decide(ME, "/shop/prod", NOW.seconds, Capability.READ)
    assert (verdict.decision, verdict.rule) == ("deny", f"{rules[1].key} uid 1000 /shop: not read")


def test_a_rule_that_denies_one_thing_leaves_the_rest() -> None:
    rules = [Rule("/", 1000, can=WRITER), Rule("/", 1000, **EXE, decision=Decision.DENY, can=frozenset(["write"]))]  # type: ignore[arg-type]
    policy = Policy(rules, NOW)
    assert policy.decide(process(), "/", NOW.seconds, Capability.WRITE).decision == "deny"
    assert policy.decide(process(), "/", NOW.seconds, Capability.READ).decision == "allow"


def test_a_rule_in_doubt_limits_what_another_gives() -> None:
    hidden = process(seen=frozenset())
    masking = Rule("/", 1000, under=Pin("/usr/bin/code"), decision=Decision.MASK)
    assert decision([Rule("/", 1000), masking], hidden, "/") == "mask"
    assert decision([masking], hidden, "/") == "deny"
    some = Rule("/", 1000, under=Pin("/usr/bin/code"), only=("A",))
    assert Policy([Rule("/", 1000), some], NOW).decide(hidden, "/", NOW.seconds).face.only == ("A",)


@pytest.mark.parametrize(
    ("rules", "level", "listers"),
    [
        ([Rule("/", 1), Rule("/shop", 2), Rule("/shop", gid=7)], "", ((1, 2), (7,))),
        ([Rule("/", 1), Rule("/shop", 2), Rule("/shop", gid=7)], "/shop", ((1, 2), (7,))),
        ([Rule("/", 1), Rule("/shop", 2)], "/blog", ((1,), ())),
        ([Rule("/", 1, exe=Pin("/n")), Rule("/", unit="u"), Rule("/", 2, gid=3)], "", ((), ())),
        ([Rule("/", 1), Rule("/shop", 1, decision=Decision.DENY)], "/shop", ((), ())),
        ([Rule("/", 1), Rule("/shop", 1, decision=Decision.DENY)], "", ((1,), ())),
        ([Rule("/", 1), Rule("/", 1, decision=Decision.DENY)], "", ((), ())),
        ([Rule("/", 1, decision=Decision.DENY), Rule("/shop", 1)], "", ((1,), ())),
        ([Rule("/", 1, can=frozenset([Capability.LOG]))], "", ((), ())),
        ([Rule("/", 1, UNTIL, "boot-1", 900.0)], "", ((), ())),
    ],
)
def test_folders_are_listed_by_those_who_may_know_of_names_whatever_they_run(
    rules: list[Rule], level: str, listers: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    assert Policy(rules, NOW).listers(NOW.seconds, level) == listers


def test_the_bearer_of_a_token_has_what_that_gives_alone() -> None:
    rules = [Rule("/", 1000), Rule("/shop", token="a" * 64), Rule("/shop/prod", 1000, decision=Decision.DENY)]
    for bearer in (ME._replace(token="a" * 64), Caller(65_534, 1, 0, doubt="outside", token="a" * 64)):
        assert decision(rules, bearer, "/shop") == "allow"
        assert decision(rules, bearer, "/blog") == "deny"
        assert decision(rules, bearer, "/shop/prod") == ("deny" if bearer.uid == 1000 else "allow")
        assert decision(rules, bearer._replace(token="b" * 64), "/shop") == "deny"
    assert decision(rules, ME, "/shop/prod/eu") == "deny"
    assert decision([Rule("/", 65_534, token="a" * 64)], Caller(65_534, 1, 0, token="a" * 64), "/") == "deny"


def test_a_rule_that_names_a_uid_alone_gathers_nothing() -> None:
    class Loud:
        def gather(self, _needs: frozenset[Need]) -> Evidence:
            raise AssertionError

    rules = [Rule("/", 1000), Rule("/", 1001, **EXE), Rule("/", 1000, exe=Pin("/usr/bin/cat", OTHER))]  # type: ignore[arg-type]
    caller = ME._replace(executable="/usr/bin/node", source=Loud())
    assert decision(rules, caller, "/shop") == "allow"


def test_placeholders_stay_placeholders_where_a_rule_that_asks_is_in_doubt() -> None:
    rules = [
        Rule("/shop", 1000, decision=Decision.MASK),
        Rule("/shop", 1000, script=Pin("/srv/app.py"), decision=Decision.ASK),
    ]
    verdict = Policy(rules, NOW).decide(ME, "/shop", NOW.seconds)
    assert (verdict.decision, verdict.face) == (Decision.ASK, Face(masked=True))


class Shown:
    """A source of whatever it was given last."""

    def __init__(self, evidence: list[Evidence]) -> None:
        self.evidence = evidence

    def gather(self, needs: frozenset[Need]) -> Evidence:
        return self.evidence[0]._replace(seen=needs)


def test_an_answer_that_rests_on_more_than_the_numbers_is_not_remembered() -> None:
    policy = Policy([Rule("/shop", 1000, exe=Pin("/bin/a", "1" * 64))], NOW)
    shown = Shown([Evidence(program=ProgramFile("/bin/a", sha256="1" * 64))])
    caller = ME._replace(executable="/bin/a", source=shown)
    assert policy.decide(caller, "/shop", NOW.seconds).decision is Decision.ALLOW
    shown.evidence[0] = Evidence(program=ProgramFile("/bin/a", sha256="2" * 64))
    assert policy.decide(caller, "/shop", NOW.seconds).decision is Decision.DENY
    assert not policy.sees(caller, "/shop", NOW.seconds)


def test_an_answer_about_one_cgroup_is_none_about_another() -> None:
    policy = Policy([Rule("/shop", 1000, cgroup="/a")], NOW)
    for cgroup, wanted in (("/a", Decision.ALLOW), ("/b", Decision.DENY), ("/a/b", Decision.ALLOW)):
        assert policy.decide(ME._replace(cgroup=cgroup), "/shop", NOW.seconds).decision is wanted
        assert policy.sees(ME._replace(cgroup=cgroup), "/shop", NOW.seconds) is (wanted is Decision.ALLOW)


def test_an_answer_about_one_program_or_bearer_is_none_about_another() -> None:
    program = Evidence(program=ProgramFile("/bin/a", sha256="1" * 64))
    rules = [Rule("/shop", exe=Pin("/bin/a", "1" * 64)), Rule("/shop", token="t")]
    policy = Policy(rules, NOW)
    callers = {
        ME._replace(executable="/bin/b"): False,
        ME._replace(executable="/bin/a", source=Shown([program])): True,
        ME._replace(executable="/bin/b", token="t"): True,
        ME._replace(executable="/bin/b", token="u"): False,
        ME._replace(executable="/bin/b", token="t", doubt="gone"): True,
        ME._replace(executable="/bin/b", doubt="gone"): False,
    }
    for _ in range(2):
        for caller, is_allowed in callers.items():
            assert policy.sees(caller, "/shop", NOW.seconds) is is_allowed, caller
            assert (policy.decide(caller, "/shop", NOW.seconds).decision is Decision.ALLOW) is is_allowed, caller


def test_so_many_answers_are_remembered_and_no_more() -> None:
    policy = Policy([Rule("/shop", 1000)], NOW)
    for number in range(5000):
        caller = ME._replace(executable=f"/bin/{number}")
        assert policy.decide(caller, "/shop", NOW.seconds).decision is Decision.ALLOW
        assert policy.sees(caller, f"/shop/{number}", NOW.seconds)
    assert max(len(policy._verdicts), len(policy._seen)) <= 1024
