"""The keyholder signs the end of a log only where it follows from the end that was signed before."""

import pytest

from envfs.core import checkpoint, record
from envfs.core.addresses import RecordAddress
from envfs.core.checkpoint import Claim, StreamHead
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    AuthenticationFailed,
    LogBroken,
)
from envfs.protocol.keyholding import CheckCheckpoints, Faults, SignCheckpoint, Signed, VerifyCheckpoint
from tests.component.cheap import TIME
from tests.component.keyholders import LOG_PLACE, TIP, ask


def test_a_checkpoint_is_signed_and_checked(link: KeyholderLink) -> None:
    signed = ask(link, SignCheckpoint(LOG_PLACE, TIME), (claim(7),)).message
    assert isinstance(signed, Signed)
    good = ("7", TIP, signed.signature)
    bad = [
        ("8", TIP, signed.signature),
        ("7", "ac", signed.signature),
        ("7", TIP, "AAAA"),
        ("7", TIP, "!"),
        ("7", TIP, ""),
    ]
    faults = ask(link, VerifyCheckpoint((good, *bad))).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [False] + [True] * len(bad)


def claim(entries: int, begin: str = "b" * 64) -> bytes:
    """Return the claim that a log which began with `begin` has so many entries."""
    return checkpoint.render_claim(
        Claim(begin, entries, TIP, 100 * entries, 1, (StreamHead("level", 1, "d"),))
    ).encode()


def checked(link: KeyholderLink, *points: tuple[RecordAddress, bytes]) -> list[bool]:
    """Tell which checkpoints at their places have a fault."""
    places, blobs = tuple(place for place, _ in points), tuple(data for _, data in points)
    faults = ask(link, CheckCheckpoints(places), blobs).message
    assert isinstance(faults, Faults)
    return [bool(text) for text in faults.texts]


def test_a_checkpoint_stands_at_its_place_and_is_the_owners(owner: KeyholderLink) -> None:
    data = ask(owner, SignCheckpoint(LOG_PLACE, TIME), (claim(7),)).blobs[0]
    point = checkpoint.parse_checkpoint(data)
    assert (point.claim.entries, point.claim.tip, point.header.time) == (7, TIP, TIME)
    other = point.statement._replace(payload=checkpoint.render_claim(point.claim._replace(entries=8))).stored()
    moved = LOG_PLACE._replace(stream="log/0000000000000001")
    assert checked(
        owner, (LOG_PLACE, data), (moved, data), (LOG_PLACE, other), (LOG_PLACE, b"{}"), (LOG_PLACE, b"")
    ) == [*(False, True, True, True, True)]


NEXT = {  # the second checkpoint after one of seven entries: its number, entries, first line; what it says it follows
    "it grew": (2, 9, "b" * 64, "", False),
    "no entry more": (2, 7, "b" * 64, "", True),
    "fewer entries": (2, 6, "b" * 64, "", True),
    "another log": (2, 9, "c" * 64, "", True),
    "a number is left out": (3, 9, "b" * 64, "", True),
    "its number once more": (1, 9, "b" * 64, "", True),
    "after another one": (2, 9, "b" * 64, "e" * 43, True),
}


@pytest.mark.parametrize("what", NEXT)
def test_a_checkpoint_is_signed_only_if_it_follows_from_the_one_before(owner: KeyholderLink, what: str) -> None:
    number, entries, begin, prev, refused = NEXT[what]
    first = ask(owner, SignCheckpoint(LOG_PLACE, TIME), (claim(7),)).blobs[0]
    place = LOG_PLACE._replace(seq=number, prev=prev or record.digest(first))
    request = SignCheckpoint(place, TIME)
    if refused:
        with pytest.raises(LogBroken):
            ask(owner, request, (claim(entries, begin), first))
        ask(owner, request._replace(accepted=True), (claim(entries, begin),))
    else:
        ask(owner, request, (claim(entries, begin), first))


def test_a_keyholder_signs_no_shorter_log_though_the_checkpoint_before_is_kept_from_it(owner: KeyholderLink) -> None:
    ask(owner, SignCheckpoint(LOG_PLACE, TIME), (claim(7),))
    with pytest.raises(LogBroken, match="entry 7 was signed"):
        ask(owner, SignCheckpoint(LOG_PLACE, TIME), (claim(6),))
    ask(owner, SignCheckpoint(LOG_PLACE, TIME), (claim(8),))  # the first could not be stored


def test_a_checkpoint_of_somebody_else_is_not_gone_on_from(owner: KeyholderLink, link: KeyholderLink) -> None:
    theirs = ask(link, SignCheckpoint(LOG_PLACE, TIME, accepted=True), (claim(7),)).blobs[0]
    place = LOG_PLACE._replace(seq=2, prev=record.digest(theirs))
    with pytest.raises(AuthenticationFailed, match="signed by somebody else"):
        ask(owner, SignCheckpoint(place, TIME), (claim(9), theirs))
