"""age files under a passphrase: what is damaged or asks for too much is told apart from a wrong passphrase."""

import base64

import pyrage
import pytest

from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, TimedOut, WrongPassphrase
from envfs.keyholder.crypto import age
from tests.component.cheap import age_file


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return age.seal_under(b"hello", Secret("right"))


def _asking_for(work: int, data: bytes) -> bytes:
    head, _, rest = data.partition(b"\n-> scrypt ")
    salt, _, rest = rest.partition(b" ")
    return head + b"\n-> scrypt " + salt + b" " + str(work).encode() + rest[rest.index(b"\n") :]


def test_what_was_sealed_opens_with_its_passphrase_alone(sealed: bytes) -> None:
    assert age.open_under(sealed, Secret("right")) == b"hello"
    cheap = age_file(b"hello", "right")
    assert age.open_under(cheap, Secret("right")) == b"hello"
    with pytest.raises(WrongPassphrase):
        age.open_under(cheap, Secret("wrong"))


@pytest.mark.parametrize("work", [22, 23, 30, 63, 9999])
@pytest.mark.parametrize("armored", [False, True])
def test_a_file_that_asks_for_gigabytes_is_refused_before_they_are_taken(
    sealed: bytes, work: int, armored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyrage, "passphrase", None)  # it is not even asked
    data = _asking_for(work, sealed)
    if armored:
        rows = base64.b64encode(data)
        lines = [rows[at : at + 64] for at in range(0, len(rows), 64)]
        data = b"\n".join([b"-----BEGIN AGE ENCRYPTED FILE-----", *lines, b"-----END AGE ENCRYPTED FILE-----\n"])
    with pytest.raises(AuthenticationFailed):
        age.open_under(data, Secret("right"))


@pytest.mark.parametrize(
    "junk",
    [b"", b"age", b"-----BEGIN AGE", b"-----BEGIN AGE ENCRYPTED FILE-----\nY\n", b"age-encryption.org/v1\n-> scrypt"],
)
def test_what_is_no_such_file_says_nothing_of_the_passphrase(junk: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        age.open_under(junk, Secret("right"))


_BUSY = pyrage.DecryptError("Excessive work parameter for passphrase.\nDecryption would take around 4 seconds.")


@pytest.mark.parametrize("times", [1, 3])
def test_a_busy_machine_is_measured_again(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = pyrage.passphrase.decrypt, [_BUSY] * times

    def decrypt(data: bytes, passphrase: str) -> bytes:
        if left:
            raise left.pop()
        return real(data, passphrase)

    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)
    assert age.open_under(age_file(b"hello", "right"), Secret("right")) == b"hello"


def test_a_machine_that_stays_too_busy_is_no_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def decrypt(_data: bytes, _passphrase: str) -> bytes:
        raise _BUSY

    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)
    with pytest.raises(TimedOut, match="too busy"):
        age.open_under(age_file(b"hello", "right"), Secret("right"))


def test_the_words_for_too_much_work_are_still_those(sealed: bytes) -> None:
    with pytest.raises(pyrage.DecryptError, match=r"^Excessive work"):
        pyrage.passphrase.decrypt(_asking_for(40, sealed), "right")
