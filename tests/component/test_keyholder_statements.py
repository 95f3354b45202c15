"""The keyholder signs a tombstone over bytes that it is shown, and judges a message again."""

import pytest

from envfs.core import record, tombstones
from envfs.core.addresses import RecordAddress
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import AuthenticationFailed, BadRequest, EnvFSError, Malformed, TooLarge
from envfs.protocol.keyholding import CheckMembers, CheckTombstones, Faults, SignTombstone, WriteLevel
from tests.component.cheap import TIME
from tests.component.keyholders import KEY_PLACE, PLACE, VAULT, Chain, ask

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


def _tombstone(chain: Chain, *numbers: int, place: RecordAddress | None = None) -> bytes:
    stone = place or RecordAddress(VAULT, f"tombstone/{chain.stream}", 1, "")
    blobs = (chain.key, *(chain.records[seq - 1] for seq in numbers))
    layers = tuple(chain.layer(seq, number, 0) for number, seq in enumerate(numbers, 1))
    return ask(chain.link, SignTombstone(stone, TIME, (), layers=layers), blobs).blobs[0]


def _chain_of_three(owner: KeyholderLink) -> Chain:
    chain = Chain(owner)
    for value in (b"1", b"2", b"3"):
        chain.write("set", value, "A")
    return chain


def test_versions_are_forgotten_where_a_newer_one_stays(owner: KeyholderLink) -> None:
    chain = _chain_of_three(owner)
    points = tombstones.parse_tombstone(_tombstone(chain, 1, 2, 3))[1]
    assert points == tuple((seq, record.digest(chain.records[seq - 1])) for seq in (1, 2))
    for numbers in ((3,), (), (1, 3, 2), (3, 3)):
        with pytest.raises(BadRequest):
            _tombstone(chain, *numbers)
    with pytest.raises(BadRequest):
        _tombstone(chain, 1, 2, place=RecordAddress(VAULT, "tombstone/level/blog", 1, ""))


def test_a_version_that_does_not_open_is_not_disowned(owner: KeyholderLink) -> None:
    chain = _chain_of_three(owner)
    chain.records[0] = chain.records[0].replace(b'"tag":"', b'"tag":"A')
    with pytest.raises(AuthenticationFailed):
        _tombstone(chain, 1, 3)


@pytest.mark.parametrize(("message", "error"), [("x" * 2001, TooLarge), ("\x1b[2J", Malformed)])
def test_a_message_is_judged_again(owner: KeyholderLink, message: str, error: type[EnvFSError]) -> None:
    request = WriteLevel(PLACE, TIME, "set", "A", KEY_PLACE, 0, message=message)
    with pytest.raises(error):
        ask(owner, request, (b"x",), (b"value",))


def test_of_a_list_of_members_all_is_wrong_after_what_is_wrong(owner: KeyholderLink) -> None:
    faults = ask(owner, CheckMembers(PLACE.vault), (b"x", b"y", b"")).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [True, True, True]
