"""Which rule answers whom, and why the others do not; and the command that gives a rule again."""

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.explanation import RuleAnswer, explain
from envfs.core.access.policy import Policy
from envfs.core.access.roles import WRITER, Capability
from envfs.core.access.rule import Moment, Pin, Rule
from envfs.core.access.rule_command import grant_command
from envfs.core.access.verdict import Decision

NOW = Moment("boot-1", 1000.0, "2026-11-21T12:00:00.000000Z")
NODE = ProgramFile("/usr/bin/node", 1, 1, "0" * 64, is_there=True)
PARENTS = (ProgramFile("", 0, 0, "", is_there=False), ProgramFile("/usr/bin/bash", 1, 2, "", is_there=True))


class Seen:
    def gather(self, _needs: frozenset[Need]) -> Evidence:
        return Evidence(groups=(1000,), program=NODE, ancestors=PARENTS, unit="a.service", seen=frozenset(Need))


ME = Caller(1000, 1000, 42, "/usr/bin/node", "/a", "", Seen())


def answers(*rules: Rule, capability: Capability = Capability.READ) -> list[tuple[str, str]]:
    found: list[RuleAnswer] = list(explain(Policy(rules, NOW), ME, "/shop/prod", NOW.seconds, capability))
    return [(each.answer, each.reason) for each in found]


CHANGED = Rule("/", exe=Pin("/usr/bin/node", "1" * 64), uid=1000, id="g1")


@pytest.mark.parametrize(
    ("rule", "answer", "reason"),
    [
        (Rule("/", 1000), "decides", ""),
        (Rule("/", 1000, can=frozenset([Capability.LOG])), "decides", "it does not give read"),
        (Rule("/", 1000, decision=Decision.DENY, can=frozenset(Capability)), "denies", ""),
        (Rule("/", 1001), "does not match", "the uid is 1000"),
        (Rule("/", gid=7), "does not match", "not in group 7"),
        (Rule("/", exe=Pin("/usr/bin/cat")), "does not match", "exe is /usr/bin/node"),
        (Rule("/", script=Pin("/a.js")), "does not match", "script is none"),
        (Rule("/", under=Pin("/a")), "does not match", "under is /usr/bin/bash"),
        (Rule("/", unit="b.service"), "does not match", "the unit is a.service"),
        (Rule("/", cgroup="/b"), "does not match", "the cgroup is /a"),
        (Rule("/", token="a" * 64), "does not match", "it is for the bearer of a token"),
        (Rule("/", 1000, "2026-11-21T13:00:00.000000Z", "boot-1", 900.0), "has ended", "2026-11-21T13:00:00.000000Z"),
        (
            CHANGED,
            "in doubt",
            (
                "/usr/bin/node has changed since it was pinned, "
                "give it again: `envfs grant / --uid 1000 --exe /usr/bin/node`"
            ),
        ),
    ],
)
def test_each_rule_is_answered_for(rule: Rule, answer: str, reason: str) -> None:
    assert answers(rule) == [(answer, reason)]


def test_the_most_specific_rule_comes_first_and_says_what_it_overrules() -> None:
    wider, deciding = Rule("/", 1000), Rule("/shop", 1000, decision=Decision.MASK)
    assert answers(wider, deciding) == [("decides", ""), ("is overruled", "a more specific rule decides")]


def test_nothing_is_explained_of_a_caller_that_is_unknown() -> None:
    policy = Policy([Rule("/", 1000)], NOW)
    assert not list(explain(policy, ME._replace(doubt="outside"), "/", NOW.seconds, Capability.READ))


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule("/", 0), "envfs grant / --uid 0"),
        (
            Rule("/shop", 7, gid=8, exe=Pin("/a b", "0" * 64), only=("A*",), can=WRITER, birth=5.0, dialect="node"),
            (
                "envfs grant /shop --uid 7 --gid 8 --exe '/a b' --can history,names,read,write --only 'A*' --birth 5s "
                "--dialect node"
            ),
        ),
        (
            Rule("/shop", unit="a.service", decision=Decision.DENY, can=frozenset(Capability)),
            "envfs grant /shop --unit a.service --decision deny",
        ),
    ],
)
def test_a_rule_is_given_again_by_a_command(rule: Rule, line: str) -> None:
    assert grant_command(rule) == line
    assert grant_command(rule, 60) == f"{line} --ttl 60s"
