"""Every command's door: who is not approved is refused, told why, given nothing; and the refusal is on the log."""

from collections.abc import Iterator

import pytest

from tests.conftest import Homes
from tests.system.home import Home
from tests.system.samples import LEVELS

_STRANGER = 4711
_READING = {
    "get": ("get", "/shop/prod", "STRIPE_API_KEY"),
    "exec": ("exec", "/shop/prod", "--", "/usr/bin/env"),
    "run": ("run", "/shop/prod", "--", "/usr/bin/env"),
    "exec only": ("exec", "/shop/prod", "--only", "S3_BUCKET", "--", "/usr/bin/env"),
    "export": ("export", "/shop/prod"),
    "export json": ("export", "/shop/prod", "-f", "json"),
    "export environ": ("export", "/shop/prod", "-f", "environ"),
    "show": ("show", "/shop/prod"),
    "show reveal": ("show", "/shop/prod", "--reveal"),
    "history": ("history", "/shop/prod"),
    "get old": ("get", "/shop/prod", "STRIPE_API_KEY", "--version", "1"),
    "export old": ("export", "/shop/prod", "--version", "1"),
    "show old": ("show", "/shop/prod", "--version", "1"),
    "ls": ("ls", "/shop/prod"),
}
_OWNING = {
    "set": ("set", "/shop/prod", "S3_BUCKET"),
    "unset": ("unset", "/shop/prod", "S3_BUCKET"),
    "rename": ("rename", "/shop/prod", "S3_BUCKET", "BUCKET"),
    "import": ("import", "-", "/shop/prod"),
    "rollback": ("rollback", "/shop/prod", "1", "-y"),
    "grant": ("grant", "/shop/prod", "--uid", "4711"),
    "revoke": ("revoke", "/", "--uid", "0"),
    "grants": ("grants",),
    "log": ("log",),
    "log follow": ("log", "--follow"),
    "log verify": ("log", "verify"),
    "log restart": ("log", "restart"),
    "verify": ("verify",),
    "accept": ("accept", "/shop/prod", "-y"),
    "unmount": ("unmount",),
}


@pytest.fixture(scope="module")
def closed(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home whose root daemon approves nobody, not even root."""
    home = new_home(stocked)
    home.envfs("revoke", "/", "--uid", "0")
    home.settle()
    with home.served():
        yield home


def _given(words: tuple[str, ...]) -> bytes | None:
    return b"S3_BUCKET=theirs" if words[0] in ("set", "import") else None


@pytest.mark.parametrize("name", _READING)
def test_an_unapproved_user_reads_nothing_by_any_command(shared: Home, name: str) -> None:
    before = len(shared.refusals(_STRANGER))
    said = shared.envfs(*_READING[name], uid=_STRANGER, status=102)
    assert said.out == b""
    assert f"uid {_STRANGER} is not approved for /shop/prod" in said.complaint
    refusal = shared.refusals(_STRANGER)[before:][-1]
    assert (refusal["level"], refusal["decision"]) == ("/shop/prod", "deny")


@pytest.mark.parametrize("name", _READING)
def test_root_without_a_grant_reads_nothing_by_any_command(closed: Home, name: str) -> None:
    if name == "ls":
        assert "\tno" in closed.envfs("ls", "/shop/prod").text  # the owner of the vault may know its levels
        return
    before = len(closed.refusals(0))
    said = closed.envfs(*_READING[name], uid=0, status=102)
    assert said.out == b""
    assert "uid 0 is not approved for /shop/prod" in said.complaint
    assert closed.refusals(0)[before:][-1]["level"] == "/shop/prod"


@pytest.mark.parametrize("name", _OWNING)
def test_a_command_for_the_owner_is_refused_to_everybody_else(shared: Home, name: str) -> None:
    before = len(shared.refusals(_STRANGER))
    said = shared.envfs(*_OWNING[name], uid=_STRANGER, given=_given(_OWNING[name]), status=102)
    assert said.out == b""
    assert "only uid 0 may do that: it owns the vault" in said.complaint
    refusal = shared.refusals(_STRANGER)[before:][-1]
    assert refusal["channel"] == "socket"
    assert refusal["rule"].startswith("not ")


def test_a_grant_to_read_is_no_right_to_change(served_for_reader: Home) -> None:
    home = served_for_reader
    assert home.envfs("get", "/shop", "APP_NAME", uid=1001).text == "shop\n"
    for words in _OWNING.values():
        home.envfs(*words, uid=1001, given=_given(words), status=102)
    assert home.envfs("get", "/shop/prod", "S3_BUCKET").text == "crane-shop-prod\n"


@pytest.fixture
def served_for_reader(shop: Home) -> Iterator[Home]:
    """Give a mounted home that uid 1001 may read."""
    shop.envfs("grant", "/shop", "--uid", "1001")
    with shop.served():
        yield shop


def test_nothing_was_changed_by_all_those_attempts(shared: Home, closed: Home) -> None:
    for home in (shared, closed):
        assert {str(row["level"]): row["version"] for row in home.rows("ls")} == dict.fromkeys(LEVELS, 1)
    assert [(row["level"], row["uid"]) for row in shared.rows("grants")] == [("/", 0)]
    assert closed.rows("grants") == []
    assert shared.envfs("verify").text.endswith(" 0 failed\n")
    assert shared.envfs("log", "verify").status == 0


@pytest.mark.parametrize("level", ["/shop/prod", "/shop/none", "/none", "/none/none"])
def test_a_stranger_hears_the_same_of_levels_that_exist_and_that_do_not(shared: Home, level: str) -> None:
    said = shared.envfs("get", level, "X", uid=_STRANGER, status=102)
    assert said.complaint.replace(level, "LEVEL").startswith(
        f"envfs: error: uid {_STRANGER} is not approved for LEVEL\n"
    )


def test_a_stranger_learns_of_no_variable(shared: Home) -> None:
    known = shared.envfs("get", "/shop", "APP_NAME", uid=_STRANGER, status=102)
    unknown = shared.envfs("get", "/shop", "NO_SUCH_NAME", uid=_STRANGER, status=102)
    assert known.complaint == unknown.complaint


def test_status_tells_a_stranger_that_a_daemon_runs_and_no_more(shared: Home) -> None:
    text = shared.envfs("status", uid=_STRANGER, status=None).text
    assert "runs as uid 0" in text
    for secret in (str(shared.path), "access.jsonl", "pid"):
        assert secret not in text


def test_the_exec_that_was_refused_does_not_run_the_command(shared: Home) -> None:
    marker = shared.path / "ran"
    shared.envfs("exec", "/shop/prod", "--", "/usr/bin/touch", str(marker), uid=_STRANGER, status=102)
    assert not marker.exists()


def test_init_over_a_vault_is_refused_to_the_owner_and_to_strangers(shared: Home) -> None:
    file = str(shared.path / "another-identity")
    shared.envfs("init", "--identity-file", file, status=118)
    shared.envfs("init", "--identity-file", file, uid=_STRANGER, status=102)
