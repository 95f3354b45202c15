"""Grants only ever add; what nobody granted nobody gets."""

from hypothesis import given
from hypothesis import strategies as st

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.core.access.rule import Moment, Rule

NOW = Moment("boot", 100.0, "2026-11-21T12:00:00.000000Z")
levels = st.lists(st.sampled_from("ab"), max_size=3).map(lambda parts: "/" + "/".join(parts))
uids = st.integers(0, 2)
ends = st.sampled_from(
    [("", "", 0.0), ("2027-01-01T00:00:00.000000Z", "boot", 50.0), ("2027-01-01T00:00:00.000000Z", "boot", 150.0)]
)
grants = st.lists(st.builds(lambda level, uid, end: Rule(level, uid, *end), levels, uids, ends), max_size=5)


def allows(policy: Policy, uid: int, level: str) -> bool:
    return policy.decide(Caller(uid, 0, 1), level, NOW.seconds).decision == "allow"


@given(grants, uids, levels)
def test_a_level_is_allowed_if_a_grant_of_the_uid_that_lasts_is_on_its_chain(
    given_: list[Rule], uid: int, level: str
) -> None:
    expected = any(
        grant.uid == uid and grant.level in names.chain(level) and (not grant.until or grant.boot_until > NOW.seconds)
        for grant in given_
    )
    assert allows(Policy(given_, NOW), uid, level) is expected


@given(grants, grants, uids, levels)
def test_more_grants_never_take_anything_away(first: list[Rule], more: list[Rule], uid: int, level: str) -> None:
    if allows(Policy(first, NOW), uid, level):
        assert allows(Policy(more + first, NOW), uid, level)


@given(grants, uids, levels)
def test_what_may_be_read_may_be_seen_with_all_the_way_to_it(given_: list[Rule], uid: int, level: str) -> None:
    policy = Policy(given_, NOW)
    if allows(policy, uid, level):
        assert all(policy.sees(Caller(uid, 0, 1), step, NOW.seconds) for step in names.chain(level))


@given(grants, uids, levels)
def test_what_is_seen_is_readable_or_leads_to_or_from_something_readable(
    given_: list[Rule], uid: int, level: str
) -> None:
    policy = Policy(given_, NOW)
    if policy.sees(Caller(uid, 0, 1), level, NOW.seconds):
        assert allows(policy, uid, level) or any(
            names.within(grant.level, level) and grant.uid == uid for grant in given_
        )
