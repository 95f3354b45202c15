"""The keyholder signs a tombstone over bytes that it is shown, and judges a message again."""

import pytest

from envfs.core import record, tombstones
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import BadRequest, EnvFSError, Malformed, TooLarge
from envfs.protocol.keyholding import CheckMembers, CheckTombstones, Faults, SignTombstone, WriteLevel
from tests.component.cheap import TIME
from tests.component.keyholders import KEY_PLACE, PLACE, ask

STONE = KEY_PLACE._replace(stream="tombstone/key/shop")


def test_a_tombstone_is_signed_over_the_bytes_that_are_there(owner: KeyholderLink) -> None:
    data = ask(owner, SignTombstone(STONE, TIME, (2, 3), (1,)), (b"two", b"three")).blobs[0]
    points = tombstones.parse_tombstone(data)[1]
    assert points == ((1, ""), (2, record.digest(b"two")), (3, record.digest(b"three")))
    faults = ask(owner, CheckTombstones((STONE, STONE._replace(seq=2))), (data, data)).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [False, True]


@pytest.mark.parametrize(
    "stream", ["tombstone/level/shop", "tombstone/log/0000000000000000", "tombstone/member", "key/shop"]
)
def test_none_is_signed_for_what_nothing_forgets(owner: KeyholderLink, stream: str) -> None:
    with pytest.raises(BadRequest):
        ask(owner, SignTombstone(STONE._replace(stream=stream), TIME, (2,)), (b"two",))


@pytest.mark.parametrize(("message", "error"), [("x" * 2001, TooLarge), ("\x1b[2J", Malformed)])
def test_a_message_is_judged_again(owner: KeyholderLink, message: str, error: type[EnvFSError]) -> None:
    request = WriteLevel(PLACE, TIME, "set", "A", KEY_PLACE, 0, message=message)
    with pytest.raises(error):
        ask(owner, request, (b"x",), (b"value",))


def test_of_a_list_of_members_all_is_wrong_after_what_is_wrong(owner: KeyholderLink) -> None:
    faults = ask(owner, CheckMembers(PLACE.vault), (b"x", b"y", b"")).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [True, True, True]
