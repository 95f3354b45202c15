"""A user's own daemon, mounted without allow_other: it works without any right of root, and root gets nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import FILES, OWNER, Home
from tests.system.probing import attempt, reads
from tests.system.samples import PROD, SHOP_TEXT


@pytest.fixture(scope="module")
def own(user_home: Home) -> Iterator[Home]:
    """Give a user's home, mounted by itself."""
    user_home.envfs("import", "-", "/shop", given=SHOP_TEXT)
    with user_home.mounted():
        yield user_home


def test_the_user_reads_its_own_view(own: Home) -> None:
    assert f"S3_REGION={PROD['S3_REGION']}\n" in reads(OWNER, own.view("/shop"))
    assert attempt(OWNER, "listdir", own.mnt).found == sorted([*FILES, ".history", "shop"])


def test_the_mount_is_not_for_all(own: Home) -> None:
    line = next(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {own.mnt} " in line)
    assert "allow_other" not in line
    assert f"user_id={OWNER}" in line


@pytest.mark.parametrize("uid", [0, 1002])
@pytest.mark.parametrize("question", ["read", "open", "stat", "access"])
def test_root_and_others_get_nothing_from_it(own: Home, uid: int, question: str) -> None:
    assert attempt(uid, question, own.view("/shop")).how == "EACCES"
    assert attempt(uid, "listdir", own.mnt).how == "EACCES"


@pytest.mark.parametrize("uid", [0, 1002])
@pytest.mark.parametrize("words", [("get", "/shop", "APP_NAME"), ("exec", "/shop", "--", "env"), ("export", "/shop")])
def test_root_and_others_get_nothing_from_its_socket(own: Home, uid: int, words: tuple[str, ...]) -> None:
    said = own.envfs(*words, uid=uid, status=102)
    assert said.out == b""
    assert "who is neither you nor root" in said.complaint  # a client trusts its own daemon and root's alone


def test_root_may_not_give_itself_a_grant_there(own: Home) -> None:
    own.envfs("grant", "/", "--uid", "0", uid=0, status=102)
    assert [row["uid"] for row in own.rows("grants")] == [OWNER]


@pytest.mark.parametrize("uid", ["0", "1003", "65534"])
def test_a_grant_that_could_never_work_is_refused(own: Home, uid: str) -> None:
    said = own.envfs("grant", "/shop", "--uid", uid, status=101)
    assert f"uid {uid} " in said.complaint
    assert "envfs: hint: " in said.complaint
    assert [row["uid"] for row in own.rows("grants")] == [OWNER]


def test_unmount_needs_no_right_of_root_and_leaves_nothing_of_roots(own: Home) -> None:
    daemon = own.daemon()
    own.envfs("unmount")
    assert list(own.mnt.iterdir()) == []
    assert [path for path in own.path.rglob("*") if path.stat().st_uid != OWNER] == []
    said = own.envfs("get", "/shop", "APP_NAME", uid=0, status=102)  # with no daemon, the vault itself refuses
    assert f"belongs to uid {OWNER}" in said.complaint
    own.settle()
    assert [path for path in own.path.rglob("*") if path.stat().st_uid != OWNER] == []
    assert own.mount().pid != daemon.pid
