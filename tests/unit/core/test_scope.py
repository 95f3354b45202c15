"""What a lock covers."""

import pytest

from envfs.core.scope import VAULT, Scope


@pytest.mark.parametrize(
    ("scope", "covered", "beside"),
    [
        (VAULT, ["/", "/shop", "/shop/prod"], []),
        (Scope("/"), ["/", "/shop", "/shop/prod"], []),
        (Scope("/shop"), ["/shop", "/shop/prod"], ["/", "/shop2", "/sho", "/blog/shop"]),
    ],
    ids=str,
)
def test_a_scope_covers_the_views_that_have_text_of_it(scope: Scope, covered: list[str], beside: list[str]) -> None:
    assert all(map(scope.covers, covered))
    assert not any(map(scope.covers, beside))


def test_the_vault_is_another_scope_than_the_project_of_the_top_level() -> None:
    assert Scope("/") != VAULT
    assert (str(VAULT), str(Scope("/")), str(Scope("/shop"))) == ("the vault", "/", "/shop")
    assert (VAULT.top, Scope("/").top, Scope("/shop").top) == ("/", "/", "/shop")
