"""What is remembered of signatures stands for these bytes alone, for each child. Who may write is asked anew."""

import os

import pytest

from envfs.errors import AuthenticationFailed
from envfs.keyholder.crypto.checked_signatures import CheckedSignatures
from envfs.keyholder.crypto.identity import Identity, new_identity

DATA = b"protected.iv.ciphertext.tag"


def test_a_signature_that_a_child_checked_is_known_to_the_next() -> None:
    checked, text = CheckedSignatures(), new_identity()
    signer = Identity(text)
    signature = signer.sign(DATA)
    child = os.fork()
    if child == 0:
        Identity(text, signer.author, checked).verify(signer.author, DATA, signature)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert checked.has(signer.author, DATA, signature)


def test_what_was_signed_here_is_known() -> None:
    checked, text = CheckedSignatures(), new_identity()
    identity = Identity(text, checked=checked)
    signature = identity.sign(DATA)
    assert checked.has(identity.author, DATA, signature)


@pytest.mark.parametrize("place", [0, len(DATA) // 2, len(DATA) - 1])
def test_another_byte_is_checked_and_refused(place: int) -> None:
    checked = CheckedSignatures()
    identity = Identity(new_identity(), checked=checked)
    signature = identity.sign(DATA)
    bent = bytes((*DATA[:place], DATA[place] ^ 1, *DATA[place + 1 :]))
    for _ in range(2):  # and the second time, too: a wrong one is never remembered
        with pytest.raises(AuthenticationFailed):
            identity.verify(identity.author, bent, signature)
    assert not checked.has(identity.author, bent, signature)


def test_the_parts_cannot_be_moved_against_each_other() -> None:
    checked = CheckedSignatures()
    identity = Identity(new_identity(), checked=checked)
    signature = identity.sign(DATA)
    for data, shorter in ((signature[-1:] + DATA, signature[:-1]), (DATA[1:], signature + DATA[:1])):
        with pytest.raises(AuthenticationFailed):
            identity.verify(identity.author, data, shorter)


def test_a_right_signature_is_refused_from_somebody_who_may_not_write() -> None:
    checked, text = CheckedSignatures(), new_identity()
    stranger = Identity(text, checked=checked)
    signature = stranger.sign(DATA)
    owner = Identity(new_identity(), checked=checked)
    with pytest.raises(AuthenticationFailed):
        owner.verify(stranger.author, DATA, signature)
    owner.verify(stranger.author, DATA, signature, frozenset({owner.author, stranger.author}))


def test_two_that_share_a_place_are_each_found_right() -> None:
    checked = CheckedSignatures()
    identity = Identity(new_identity(), checked=checked)
    signed = [(data, identity.sign(data)) for data in map(str.encode, map(str, range(2000)))]
    for data, signature in signed:
        identity.verify(identity.author, data, signature)
