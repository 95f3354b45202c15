"""The join secret of a machine: it goes out whole and comes back whole, or is refused without being shown."""

import pytest

from envfs.errors import BadRequest, TooLarge
from envfs_cli.daemon.join_secret import MOST_LETTERS, PREFIX, JoinSecret, parse_join_secret, render_join_secret

SECRET = JoinSecret(
    *("AGE-SECRET-KEY-1HUNTER2", "ssh://vault@server/srv/vault", "id", "2026-11-30T12:00:00.000Z", "age1x", "key"),
    *(4, "digest", {"identity": "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter3\n", "known_hosts": "server ssh-rsa A\n"}),
)


def test_a_secret_is_one_line_that_masks_of_ci_take_and_comes_back_whole() -> None:
    text = render_join_secret(SECRET)
    assert parse_join_secret(f"\n {text}\r\n") == SECRET
    assert text.startswith(PREFIX)
    assert {*text} <= {*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"}
    assert "hunter" not in text
    assert "hunter" not in repr(SECRET)


@pytest.mark.parametrize(("cut", "end"), [(-1, ""), (-5, "AAAAA"), (len(PREFIX), ""), (len(PREFIX), "ä")])
def test_one_that_is_not_whole_is_refused_without_being_shown(cut: int, end: str) -> None:
    text = render_join_secret(SECRET)[:cut] + end
    with pytest.raises(BadRequest) as caught:
        parse_join_secret(text)
    assert "not whole" in caught.value.text
    assert text not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("text", ["", "ZEGL4M-YNLH6X-WJWAPY-VXKKDX", "AGE-SECRET-KEY-1HUNTER2", "envfs-join-2-AAAA"])
def test_another_secret_in_its_place_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_join_secret(text)
    assert not text or text not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("name", "part"),
    [("seq", "4"), ("seq", True), ("files", []), ("files", {"../x": "y"}), ("files", {"ca": 1}), ("engine", 1)],
)
def test_parts_of_another_kind_are_refused(name: str, part: object) -> None:
    with pytest.raises(BadRequest):
        parse_join_secret(render_join_secret(SECRET._replace(**{name: part})))


def test_one_that_would_be_too_large_is_not_made() -> None:
    noise = "".join(chr(33 + (number * number) % 90) + str(number) for number in range(MOST_LETTERS // 2))
    with pytest.raises(TooLarge):
        render_join_secret(SECRET._replace(files={"ca": noise}))
