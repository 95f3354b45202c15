"""A user's own daemon, mounted without allow_other: it works without any right of root, and root gets nothing."""

from collections.abc import Iterator

import pytest

from tests.system.home import FILES, OWNER, Home, mount_lines
from tests.system.peer import HELLO, Body, Peer
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
    line = next(line for line in mount_lines() if f" {own.mnt} " in line)
    assert "allow_other" not in line
    assert f"user_id={OWNER}" in line


@pytest.mark.parametrize("uid", [0, 1002])
@pytest.mark.parametrize("question", ["read", "open", "stat", "access"])
def test_root_and_others_get_nothing_from_it(own: Home, uid: int, question: str) -> None:
    assert attempt(uid, question, own.view("/shop")).how == "EACCES"
    assert attempt(uid, "listdir", own.mnt).how == "EACCES"


@pytest.mark.parametrize("uid", [0, 1002])
@pytest.mark.parametrize("words", [("get", "/shop", "APP_NAME"), ("exec", "/shop", "--", "env"), ("export", "/shop")])
def test_root_and_others_send_nothing_to_its_socket(own: Home, uid: int, words: tuple[str, ...]) -> None:
    said = own.envfs(*words, uid=uid, status=102)
    assert said.out == b""
    assert f"runs as uid {OWNER}, who is neither you nor root, so nothing was sent to it" in said.complaint
    assert own.refusals(uid) == []


def test_a_secret_is_not_sent_to_it_either(own: Home) -> None:
    for words in (("set", "/shop", "STOLEN"), ("import", "-", "/shop"), ("unlock", "--passphrase-file", "-")):
        said = own.envfs(*words, uid=0, given="A=b", status=102)
        assert "so nothing was sent to it" in said.complaint
    assert "STOLEN" not in own.envfs("show", "/shop").text


def test_what_reaches_its_socket_all_the_same_gets_nothing(own: Home) -> None:
    reading: Body = {"type": "read-view", "level": "/shop", "format": "value", "channel": "get", "only": ["APP_NAME"]}
    reading |= {"version": 0, "dialect": ""}
    granting: Body = {"type": "grant-access", "level": "/", "uid": 0, "seconds": 0, "dialect": ""}
    with Peer(own.socket) as peer:
        peer.ask(HELLO)
        assert [peer.ask(body)["code"] for body in (reading, granting)] == ["not-approved", "not-approved"]
        assert peer.blob == b""
    assert [row["level"] for row in own.refusals(0)] == ["/shop", "/"]
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
