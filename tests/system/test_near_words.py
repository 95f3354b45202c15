"""A name that is nearly right is answered with the one that was meant, to those who may know it."""

import pytest

from tests.system.home import Home


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("show /shop/prd", "/shop/prod"),
        ("history /shp", "/shop"),
        ("get /shop APP_NAEM", "APP_NAME"),
        ("unset /shop/prodd A", "/shop/prod"),
        ("grant /shop --user rot", "root"),
    ],
)
def test_what_is_near_is_offered(shared: Home, line: str, meant: str) -> None:
    said = shared.envfs(*line.split(), status=None)
    assert f"envfs: hint: did you mean {meant}? `" in said.complaint


@pytest.mark.parametrize("line", ["show /nowhere", "get /shop ANOTHER", "grant /shop --user xyzzyq"])
def test_what_is_far_is_not(shared: Home, line: str) -> None:
    assert "did you mean" not in shared.envfs(*line.split(), status=None).complaint


def test_who_may_not_know_a_level_or_a_name_is_offered_none(shared: Home) -> None:
    refusals = len(shared.refusals(1003))
    shared.envfs("grant", "/shop/prod", "--uid", "1003", "--only", "DATABASE_URL")
    try:
        assert "APP_NAME" not in shared.envfs("get", "/shop/prod", "APP_NAEM", uid=1003, status=None).complaint
        said = shared.envfs("show", "/shp", uid=1003, status=None)
        assert "did you mean" not in said.complaint
    finally:
        shared.envfs("revoke", "/shop/prod", "--uid", "1003")
    assert len(shared.refusals(1003)) <= refusals + 1  # that of /shp itself
