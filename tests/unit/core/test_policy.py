"""Who may read what: the default is deny, and every end comes."""

import math

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.core.access.rule import Moment, Rule, end

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
    assert policy.decide(ME, "/shop/prod", NOW.seconds).rule == "uid 1000 /shop"
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
