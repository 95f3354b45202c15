"""The keyholder and identities: made, loaded, refused, forgotten, and what is refused without one."""

from typing import NamedTuple

import pytest

from envfs.core.addresses import MemberRecords
from envfs.core.protection import Protection
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    AuthenticationFailed,
    EnvFSError,
    Locked,
    TooLarge,
    WrongPassphrase,
)
from envfs.keyholder.crypto.identity import new_identity
from envfs.protocol import keyholding
from envfs.protocol.keyholding import (
    CheckCheckpoints,
    CheckKeys,
    CheckRecords,
    CompareVersions,
    CreateIdentity,
    DescribeKeys,
    DescribeProtection,
    HoldKeys,
    IdentityMade,
    LoadIdentity,
    RenderView,
    SealedKeyFile,
    SignCheckpoint,
    VerifyCheckpoint,
    WriteLevel,
)
from tests.component.cheap import TIME, age_file
from tests.component.keyholders import KEY_PLACE, LAYER, LOG_PLACE, PLACE, Kept, ask, new_key


def test_a_plain_identity_is_one_line_with_its_recipient_beside_it(kept: Kept) -> None:
    lines = kept.file.decode().splitlines()
    assert next(line for line in lines if not line.startswith("#")).startswith("AGE-SECRET-KEY-1")
    assert kept.made.recipient in kept.file.decode()
    assert kept.made.recipient.startswith("age1")


def test_a_plain_identity_is_loaded(fresh: KeyholderLink, kept: Kept) -> None:
    assert ask(fresh, kept.load, (), (kept.file,)).message == kept.made
    ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


def test_an_identity_under_a_passphrase_is_loaded_with_it_alone(fresh: KeyholderLink, kept: Kept) -> None:
    file = age_file(kept.file, "correct horse")
    for wrong in (b"correct house", b"correct horse ", b"Correct horse", b"correct horse\n\nx"):
        with pytest.raises(WrongPassphrase):
            ask(fresh, kept.load, (), (file, wrong))
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))
    assert ask(fresh, kept.load, (), (file, b"correct horse")).message == kept.made
    assert ask(fresh, kept.load, (), (file, b"correct horse\n")).message == kept.made


def test_an_identity_that_was_made_under_a_passphrase_opens_with_it(fresh: KeyholderLink) -> None:
    answer = ask(fresh, CreateIdentity(plain=False), (), ("pass phräse".encode(),))
    made = answer.message
    assert isinstance(made, IdentityMade)
    assert answer.blobs[0].startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    again = ask(fresh, LoadIdentity(made.recipient, made.signing_key), (), (answer.blobs[0], "pass phräse\n".encode()))
    assert again.message == made


BAD_SECRETS: dict[str, tuple[bytes, type[EnvFSError]]] = {
    "no passphrase": (b"", WrongPassphrase),
    "an empty line": (b"\n", WrongPassphrase),
    "no utf-8": (b"\xff\xfe", WrongPassphrase),
    "too long": (b"x" * 10_000, TooLarge),
}


@pytest.mark.parametrize(("secret", "error"), BAD_SECRETS.values(), ids=BAD_SECRETS)
def test_what_is_no_passphrase_opens_and_makes_nothing(
    fresh: KeyholderLink, kept: Kept, secret: bytes, error: type[EnvFSError]
) -> None:
    with pytest.raises(error):
        ask(fresh, kept.load, (), (age_file(kept.file, "correct horse"), secret))
    with pytest.raises(error):
        ask(fresh, CreateIdentity(plain=False), (), (secret,))
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


def test_an_encrypted_identity_without_a_passphrase_asks_for_it(fresh: KeyholderLink, kept: Kept) -> None:
    with pytest.raises(WrongPassphrase, match="needs its passphrase"):
        ask(fresh, kept.load, (), (age_file(kept.file, "correct horse"),))


BAD_IDENTITIES = {
    "nothing": b"",
    "text": b"hunter2\n",
    "no ascii": b"\xff" * 100,
    "only a comment": b"# AGE-SECRET-KEY-1\n",
    "a broken one": b"AGE-SECRET-KEY-1XXXX\n",
    "half an age file": b"age-encryption.org/v1\n-> scrypt",
    "armour around nothing": b"-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n",
}


@pytest.mark.parametrize("file", BAD_IDENTITIES.values(), ids=BAD_IDENTITIES)
def test_what_is_no_identity_is_refused_and_not_quoted(fresh: KeyholderLink, kept: Kept, file: bytes) -> None:
    with pytest.raises(EnvFSError) as caught:
        ask(fresh, kept.load, (), (file, b"passphrase"))
    assert "fault of its own" not in caught.value.text
    assert "hunter2" not in caught.value.text + caught.value.hint
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


def test_of_several_identities_in_a_file_that_of_the_vault_is_held(fresh: KeyholderLink, kept: Kept) -> None:
    others = b"".join(f"{new_identity().reveal()}\n".encode() for _ in range(7))
    ask(fresh, kept.load, (), (others + kept.file,))
    with pytest.raises(EnvFSError):
        ask(fresh, kept.load, (), (others + b"\n" + kept.file + kept.file,))


def test_an_age_file_with_something_else_inside_is_no_identity(fresh: KeyholderLink, kept: Kept) -> None:
    with pytest.raises(EnvFSError) as caught:
        ask(fresh, kept.load, (), (age_file(b"hunter2\n", "correct horse"), b"correct horse"))
    assert "hunter2" not in caught.value.text + caught.value.hint


@pytest.mark.parametrize("field", ["owner_recipient", "owner_signing_key"])
def test_an_identity_that_is_not_the_vaults_owner_is_not_held(fresh: KeyholderLink, kept: Kept, field: str) -> None:
    with pytest.raises(AuthenticationFailed):
        ask(fresh, kept.load._replace(**{field: "somebody"}), (), (kept.file,))
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


NEED_THE_IDENTITY: list[NamedTuple] = [
    new_key(KEY_PLACE),
    WriteLevel(PLACE, TIME, "set", "A", KEY_PLACE, 0),
    RenderView((LAYER,)),
    keyholding.RenderOwn((LAYER,)),
    CompareVersions((LAYER,)),
    keyholding.CompareTexts((LAYER,), ()),
    keyholding.SearchTexts((LAYER,), "A"),
    keyholding.ReadDirectives((LAYER,)),
    keyholding.MatchValues(LAYER, (LAYER,), ("A",), ("A",)),
    keyholding.TraceVariables((LAYER,), (keyholding.TracedView("A", (0,)),)),
    keyholding.FindCarriers((LAYER,), keyholding.TracedView("A", (0,)), (0,)),
    keyholding.ExamineView((LAYER,)),
    keyholding.CompareViews((LAYER,), (keyholding.Pair((), (0,)),)),
    CheckRecords((LAYER,)),
    CheckKeys((SealedKeyFile(KEY_PLACE), SealedKeyFile(KEY_PLACE))),
    SignCheckpoint(LOG_PLACE, TIME),
    CheckCheckpoints((LOG_PLACE,)),
    VerifyCheckpoint((("1", "x", "y"),)),
    HoldKeys(KEY_PLACE),
    DescribeKeys(KEY_PLACE),
    keyholding.SignTombstone(KEY_PLACE._replace(stream="tombstone/key/shop"), TIME, (1, 2)),
    keyholding.CheckTombstones((KEY_PLACE, KEY_PLACE)),
    keyholding.CheckMembers(KEY_PLACE.vault),
    keyholding.OwnDevice(),
    keyholding.RotateIdentity(),
    keyholding.SignEntry(KEY_PLACE._replace(stream="member"), TIME, ""),
    keyholding.SealLogBatch(LOG_PLACE, TIME, "", 1, 1, "", 0, MemberRecords(1, 1)),
    keyholding.CheckLogBatches((LOG_PLACE,)),
    keyholding.OpenLogBatches((LOG_PLACE,)),
    keyholding.BindValues((LAYER,), ("A",)),
    keyholding.ScanText((LAYER,), 5),
    keyholding.IssueAuthority("p1", 0),
    keyholding.SealValues((LAYER,), ("A",), "", ""),
    keyholding.IssueCertificate("p1", "api.example.com", 0),
]


@pytest.mark.parametrize("request_", NEED_THE_IDENTITY, ids=lambda request: type(request).__name__)
def test_what_needs_the_identity_is_refused_while_there_is_none(
    locked_keyholder: KeyholderLink, request_: NamedTuple
) -> None:
    with pytest.raises(Locked) as caught:
        ask(locked_keyholder, request_, (b"x", b"y"), (b"value",))
    assert "envfs unlock" in caught.value.hint


def test_every_request_is_tried_while_locked() -> None:
    tried = {type(request) for request in NEED_THE_IDENTITY}
    without = {CreateIdentity, LoadIdentity, keyholding.Forget, keyholding.Rewrap, keyholding.CreateRecovery}
    without |= {keyholding.CopyIdentity}
    assert set(keyholding.REQUESTS.values()) == tried | without | {DescribeProtection}


def test_it_says_what_protects_it_while_locked_too(fresh: KeyholderLink) -> None:
    assert isinstance(ask(fresh, DescribeProtection()).message, Protection)


def test_a_forgotten_identity_is_gone_until_it_is_loaded_again(fresh: KeyholderLink, kept: Kept) -> None:
    ask(fresh, kept.load, (), (kept.file,))
    ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))
    ask(fresh, keyholding.Forget())
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))
    ask(fresh, kept.load, (), (kept.file,))
    ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))
