"""A command that brings the vault's identity by ENVFS_IDENTITY needs no rule, and nothing that it starts has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system.home import Home

_VALUE = "hunter2-of-ci"


class Checkout(NamedTuple):
    """A home without its identity and without a rule, and the identity."""

    home: Home
    identity: str


@pytest.fixture(scope="module")
def checkout(new_home: Homes, bare: Home) -> Checkout:
    home = new_home(bare)
    home.envfs("set", "/shop", "KEY", given=_VALUE)
    file = home.path.parent / "identity.txt"
    identity = next(line for line in file.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-1"))
    for name in ("envfs.toml", "grants.toml"):
        (home.path / name).unlink(missing_ok=True)
    return Checkout(home, identity)


def test_it_needs_no_rule_and_no_file(checkout: Checkout) -> None:
    home, identity = checkout
    said = home.envfs("get", "/shop", "KEY", status=None)
    assert said.status != 0
    brought = {"ENVFS_IDENTITY": identity}
    assert home.envfs("get", "/shop", "KEY", environ=brought).text == f"{_VALUE}\n"
    script = 'test "$KEY" = hunter2-of-ci && ! env | grep -q ENVFS_IDENTITY'
    home.envfs("exec", "/shop", "--", "sh", "-c", script, environ=brought)
    home.envfs("set", "/shop", "NEW", given="1", environ=brought)
    rows = home.envfs("log", "--json", environ=brought).text
    assert "/shop" in rows
    assert identity not in rows


def test_a_command_does_not_find_it_in_the_environment_of_the_one_that_waits_for_it(checkout: Checkout) -> None:
    home, identity = checkout
    script = 'tr "\\0" "\\n" </proc/$PPID/environ | grep -c -e "^ENVFS_IDENTITY" -e "^PATH="'
    waits = home.envfs("exec", "/shop", "--mask-output", "--", "sh", "-c", script, environ={"ENVFS_IDENTITY": identity})
    assert waits.text == "2\n"  # the name is left, and PATH
    script = f'! tr "\\0" "\\n" </proc/$PPID/environ | grep -q {identity[:20]}'
    home.envfs("exec", "/shop", "--mask-output", "--", "sh", "-c", script, environ={"ENVFS_IDENTITY": identity})


def test_a_file_may_have_it(checkout: Checkout) -> None:
    home, identity = checkout
    file = home.path.parent / "brought.txt"
    file.write_text(f"# made for CI\n{identity}\n")
    assert home.envfs("get", "/shop", "KEY", environ={"ENVFS_IDENTITY_FILE": str(file)}).text == f"{_VALUE}\n"


@pytest.mark.parametrize(
    "environ",
    [
        {"ENVFS_IDENTITY": ""},
        {"ENVFS_IDENTITY_FILE": "/no/such/file"},
        {"ENVFS_IDENTITY": "AGE-SECRET-KEY-1QQQQ"},
        {"ENVFS_IDENTITY": "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"},
    ],
)
def test_another_one_opens_nothing(checkout: Checkout, environ: Mapping[str, str]) -> None:
    said = checkout.home.envfs("get", "/shop", "KEY", environ=environ, status=None)
    assert said.status >= 100
    assert _VALUE not in said.text + said.complaint
    assert "AGE-SECRET-KEY-1Q" not in said.complaint


def test_one_under_a_passphrase_is_refused_with_what_to_bring(checkout: Checkout, own_ground: Path) -> None:
    encrypted = own_ground / "identity.age"
    encrypted.write_bytes(b"age-encryption.org/v1\n-> scrypt c2FsdA 18\n")
    environ = {"ENVFS_IDENTITY_FILE": str(encrypted)}
    said = checkout.home.envfs("get", "/shop", "KEY", environ=environ, status=109)
    assert "AGE-SECRET-KEY-1…" in said.complaint
    assert "envfs unlock" not in said.complaint


def test_a_daemon_that_serves_others_is_asked_as_ever(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    with home.mounted():
        brought = {"ENVFS_IDENTITY": "of another vault"}
        assert home.envfs("get", "/shop", "APP_NAME", environ=brought).text == "shop\n"
