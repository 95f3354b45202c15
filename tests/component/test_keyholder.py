"""The keyholder as a process: each request good and bad, one child a request, and nothing left behind."""

import array
import contextlib
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from envfs.core import checkpoint, limits, record
from envfs.core.addresses import Layer, Place
from envfs.core.checkpoint import Claim, Head
from envfs.core.protection import Protection
from envfs.daemon.keyholder_link import KeyholderLink
from envfs.errors import (
    AuthenticationFailed,
    BadName,
    EnvFSError,
    Locked,
    LogBroken,
    Malformed,
    NoSuchVariable,
    TooLarge,
    WrongPassphrase,
)
from envfs.gate.keyholder import Answer
from envfs.host import landlock, seccomp
from envfs.host import memory as memory_of_hosts
from envfs.host.memory import Region
from envfs.protocol import framing, keyholding, parts, wire
from envfs.protocol.keyholding import (
    CheckCheckpoints,
    CheckKeys,
    CheckRecords,
    Compared,
    CompareVersions,
    CreateIdentity,
    DescribeKeys,
    DescribeProtection,
    Faults,
    HoldKeys,
    IdentityMade,
    KeyFile,
    LoadIdentity,
    Rendered,
    RenderView,
    Sealed,
    SealKeys,
    SignCheckpoint,
    Signed,
    Unchanged,
    VerifyCheckpoint,
    WriteLevel,
)
from tests.component.cheap import TIME, age_file
from tests.component.world import memory, run

VAULT = "b83616da-e0d9-45ac-a54a-b73f09b274b1"


def ask(
    link: KeyholderLink, request: NamedTuple, blobs: tuple[bytes, ...] = (), secrets: tuple[bytes, ...] = ()
) -> Answer:
    """Ask once; secrets go along in memory."""
    descriptors = tuple(memory(secret) for secret in secrets)
    try:
        return run(lambda: link.ask(request, tuple, blobs, descriptors))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def new_key(place: Place) -> SealKeys:
    """Return the request for a project's first key, sealed to the owner alone."""
    return SealKeys(place, TIME, "managed", (), fresh=True)


class Chain:
    """The records of one project, made by asking."""

    def __init__(self, link: KeyholderLink, project: str = "shop") -> None:
        self.link = link
        self.key_place = Place(VAULT, f"key/{project}", 1, "")
        self.level, self.stream = f"/{project}", f"level/{project}"
        self.key = ask(link, new_key(self.key_place)).blobs[0]
        self.records: list[bytes] = []

    def place(self, seq: int) -> Place:
        return Place(VAULT, self.stream, seq, record.digest(self.records[seq - 2]) if seq > 1 else "")

    def layer(self, seq: int, number: int, key: int) -> Layer:
        return Layer(self.level, self.place(seq), number, self.key_place, key)

    def write(self, operation: str, secret: bytes | None = None, name: str = "", *, trim: bool = False) -> object:
        """Apply an operation to the head; keep the record if there is one."""
        seq = len(self.records)
        blobs = (self.key, *self.records[-1:])
        head = self.layer(seq, 1, 0) if seq else None
        request = WriteLevel(self.place(seq + 1), TIME, operation, name, self.key_place, 0, head, None, trim)
        answer = ask(self.link, request, blobs, () if secret is None else (secret,))
        self.records += answer.blobs
        return answer.message

    def render(self, data: bytes | None = None, layer: Layer | None = None) -> str:
        """Ask for the view of the head, or of what is given instead; return its dotenv text."""
        seq = len(self.records)
        request = RenderView((layer or self.layer(seq, 0, 1),))
        answer = ask(self.link, request, (self.records[-1] if data is None else data, self.key))
        assert isinstance(answer.message, Rendered)
        region = Region(answer.descriptors[0], sum(answer.message.sizes))
        text = bytes(region.map[: answer.message.sizes[0]]).decode()
        region.close()
        return text


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyholderLink]:
    """Give the module a keyholder that holds an identity."""
    found = KeyholderLink()
    with (tmp_path_factory.mktemp("identity") / "id.txt").open("wb") as file:
        run(lambda: found.ask(CreateIdentity(plain=True), tuple, (), (file.fileno(),)))
    yield found
    found.close()


@pytest.fixture
def chain(link: KeyholderLink) -> Chain:
    found = Chain(link)
    found.write("replace", b"# kept\nA=1\nB='two words'\n")
    return found


@pytest.fixture
def fresh() -> Iterator[KeyholderLink]:
    """Give one test a keyholder that holds nothing."""
    found = KeyholderLink()
    yield found
    found.close()


# -- identities --------------------------------------------------------------------------------------------------------


class Kept(NamedTuple):
    """An identity in a file, and its public half."""

    file: bytes
    made: IdentityMade

    @property
    def load(self) -> LoadIdentity:
        return LoadIdentity(self.made.recipient, self.made.signing_key)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    found = KeyholderLink()
    path = tmp_path_factory.mktemp("kept") / "id.txt"
    with path.open("wb") as file:
        message = run(lambda: found.ask(CreateIdentity(plain=True), tuple, (), (file.fileno(),))).message
    found.close()
    assert isinstance(message, IdentityMade)
    return Kept(path.read_bytes(), message)


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


def test_two_identities_in_a_file_are_one_too_many(fresh: KeyholderLink, kept: Kept) -> None:
    with pytest.raises(EnvFSError):
        ask(fresh, kept.load, (), (kept.file + kept.file,))


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


# -- locked ------------------------------------------------------------------------------------------------------------

PLACE = Place(VAULT, "level/shop", 1, "")
KEY_PLACE = Place(VAULT, "key/shop", 1, "")
LOG_PLACE = Place(VAULT, "log/0000000000000000", 1, "")
TIP = "a" * 64
LAYER = Layer("/shop", PLACE, 0, KEY_PLACE, 1)
NEED_THE_IDENTITY: list[NamedTuple] = [
    new_key(KEY_PLACE),
    WriteLevel(PLACE, TIME, "set", "A", KEY_PLACE, 0),
    RenderView((LAYER,)),
    keyholding.RenderOwn((LAYER,)),
    CompareVersions((LAYER,)),
    keyholding.ExamineView((LAYER,)),
    keyholding.CompareViews((LAYER,), (keyholding.Pair((), (0,)),)),
    CheckRecords((LAYER,)),
    CheckKeys((KeyFile(KEY_PLACE), KeyFile(KEY_PLACE))),
    SignCheckpoint(LOG_PLACE, TIME),
    CheckCheckpoints((LOG_PLACE,)),
    VerifyCheckpoint((("1", "x", "y"),)),
    HoldKeys(KEY_PLACE),
    DescribeKeys(KEY_PLACE),
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


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_key_is_an_age_file_that_names_its_kid(link: KeyholderLink) -> None:
    answer = ask(link, new_key(KEY_PLACE))
    assert isinstance(answer.message, Sealed)
    assert answer.blobs[0].startswith(b"age-encryption.org/v1\n")
    other = ask(link, new_key(KEY_PLACE))
    assert other.message != answer.message


def test_a_written_record_names_its_place_and_the_one_before(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    headers = [record.parse(data).header for data in chain.records]
    assert [(h.vault, h.stream, h.seq, h.time) for h in headers] == [
        (VAULT, "level/shop", 1, TIME),
        (VAULT, "level/shop", 2, TIME),
    ]
    assert headers[0].prev == ""
    assert headers[1].prev == record.digest(chain.records[0])


@pytest.mark.parametrize(
    ("operation", "name", "secret", "changes", "text"),
    [
        ("set", "A", b"2", ((), ("A",), ()), "A=2\nB='two words'\n"),
        ("set", "NEW", b"x y", (("NEW",), (), ()), "A=1\nB='two words'\nNEW='x y'\n"),
        ("set", "NEW", b"", (("NEW",), (), ()), "A=1\nB='two words'\nNEW=\n"),
        ("unset", "A", None, ((), (), ("A",)), "B='two words'\n"),
        ("merge", "", b"B=3\nC=4\nA=1\n", (("C",), ("B",), ()), "A=1\nB=3\nC=4\n"),
        ("replace", "", b"C=4\n", (("C",), (), ("A", "B")), "C=4\n"),
        ("replace", "", b"", ((), (), ("A", "B")), ""),
    ],
)
def test_an_operation_changes_what_it_says(
    chain: Chain,
    operation: str,
    name: str,
    secret: bytes | None,
    changes: tuple[tuple[str, ...], ...],
    text: str,
) -> None:
    written = chain.write(operation, secret, name)
    assert isinstance(written, Sealed)
    assert (written.added, written.changed, written.removed) == changes
    assert chain.render() == text


def test_what_changes_nothing_makes_no_record(chain: Chain) -> None:
    assert chain.write("set", b"1", "A") == Unchanged()
    assert chain.write("merge", b"A=1\n") == Unchanged()
    assert chain.write("replace", b"# kept\nA=1\nB='two words'\n") == Unchanged()
    assert len(chain.records) == 1


@pytest.mark.parametrize(
    ("operation", "text", "doubtful"),
    [
        ("merge", b"C=3\nB=4\n", False),
        ("replace", b"A=1\nB=plain\nC=\n", False),
        ("replace", b"A=1\n", True),  # somebody may refer to what is gone
        ("merge", b"C=${A}\n", True),
        ("merge", b"C='$(x)'\n", True),
        ("merge", b"# @dialect docker\nC=3\n", True),
    ],
)
def test_what_is_plain_needs_no_second_look(chain: Chain, operation: str, text: bytes, doubtful: bool) -> None:
    written = chain.write(operation, text)
    assert isinstance(written, Sealed)
    assert written.doubtful == doubtful


@pytest.mark.parametrize(
    ("secret", "trim", "value"),
    [
        (b"x\n", True, "x"),
        (b"x\r\n", True, "x"),
        (b"x\n\n", True, "'x\n\n'"),
        (b"x\n", False, "'x\n'"),
        (b"\n", True, ""),
    ],
)
def test_the_line_end_of_a_single_line_is_dropped_and_only_if_it_was_asked_for(
    link: KeyholderLink, secret: bytes, trim: bool, value: str
) -> None:
    chain = Chain(link)
    chain.write("set", secret, "A", trim=trim)
    assert chain.render() in (f"A={value}\n", f"A={value.replace(chr(39), chr(34))}\n")


def test_the_longest_value_is_taken_with_its_line_end_and_one_byte_more_is_not(link: KeyholderLink) -> None:
    chain = Chain(link)
    chain.write("set", b"x" * limits.VALUE_BYTES + b"\n", "A", trim=True)
    assert chain.render() == "A=" + "x" * limits.VALUE_BYTES + "\n"
    with pytest.raises(TooLarge):
        chain.write("set", b"y" * (limits.VALUE_BYTES + 1), "A")


BAD_WRITES: dict[str, tuple[str, str, bytes, type[EnvFSError]]] = {
    "a bad name": ("set", "A-B", b"x", BadName),
    "a name like an option": ("set", "", b"x", BadName),
    "a long name": ("set", "N" * 300, b"x", TooLarge),
    "a nul": ("set", "A", b"hunter2\0", Malformed),
    "no utf-8": ("set", "A", b"hunter2\xff", Malformed),
    "an unset of nothing": ("unset", "C", b"", NoSuchVariable),
    "a text with a fault": ("replace", "", b"A=1\nhunter2\n", Malformed),
    "a text with an open quote": ("merge", "", b"A='hunter2\n", Malformed),
    "a text that is no utf-8": ("replace", "", b"A=1\nB=hunter2\xff\n", Malformed),
    "a text that is too long": ("replace", "", b"#" * (limits.TEXT_BYTES + 1), TooLarge),
    "a nul in a text": ("replace", "", b"A=\0\n", Malformed),
}


@pytest.mark.parametrize(("operation", "name", "secret", "error"), BAD_WRITES.values(), ids=BAD_WRITES)
def test_what_cannot_be_written_is_refused_and_not_quoted(
    chain: Chain, operation: str, name: str, secret: bytes, error: type[EnvFSError]
) -> None:
    with pytest.raises(error) as caught:
        chain.write(operation, secret, name)
    assert "hunter2" not in caught.value.text + caught.value.hint
    assert len(chain.records) == 1


def test_a_fault_is_named_with_line_and_column(chain: Chain) -> None:
    with pytest.raises(Malformed, match="line 2, column 3"):
        chain.write("replace", b"A=1\nB=\xff\n")


def test_a_text_that_grows_over_the_limit_is_refused(link: KeyholderLink) -> None:
    chain = Chain(link)
    chain.write("replace", b"#" * (limits.TEXT_BYTES - 10) + b"\n")
    with pytest.raises(TooLarge):
        chain.write("set", b"x" * 100, "A")


def test_a_name_that_is_set_twice_is_pointed_out(link: KeyholderLink) -> None:
    written = Chain(link).write("replace", b"A=1\nB=2\nA=3\n")
    assert isinstance(written, Sealed)
    assert "A is set more than once" in written.notes[0]


# -- views and what must not open --------------------------------------------------------------------------------------


def bent(data: bytes, member: str) -> bytes:
    """Flip a bit inside one member of a record, keeping its encoding right."""
    body = json.loads(data)
    raw = bytearray(record.from_base64(body[member]))
    raw[len(raw) // 2] ^= 1
    body[member] = record.to_base64(bytes(raw))
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("member", ["protected", "iv", "ciphertext", "tag", "signature"])
def test_a_flipped_bit_in_any_part_of_a_record_refuses_it(chain: Chain, member: str) -> None:
    assert chain.render() == "A=1\nB='two words'\n"
    with pytest.raises(AuthenticationFailed):
        chain.render(bent(chain.records[0], member))


@pytest.mark.parametrize("part", ["record", "key"])
@pytest.mark.parametrize(
    "wrong",
    [{"vault": "other"}, {"stream": "level/blog"}, {"seq": 2}, {"prev": "x"}],
    ids=["vault", "stream", "seq", "prev"],
)
def test_a_record_or_key_that_stands_elsewhere_is_refused(chain: Chain, part: str, wrong: dict[str, object]) -> None:
    layer = chain.layer(1, 0, 1)
    moved = layer._replace(**{part: getattr(layer, part)._replace(**wrong)})
    with pytest.raises(AuthenticationFailed):
        chain.render(layer=moved)


def test_the_key_of_one_project_opens_no_other(link: KeyholderLink, chain: Chain) -> None:
    other = Chain(link, "blog")
    layer = chain.layer(1, 0, 1)._replace(key=other.key_place)
    with pytest.raises(AuthenticationFailed):
        ask(link, RenderView((layer,)), (chain.records[0], other.key))


def test_another_owners_records_are_refused(chain: Chain, fresh: KeyholderLink, kept: Kept) -> None:
    ask(fresh, kept.load, (), (kept.file,))
    request = RenderView((chain.layer(1, 0, 1),))
    with pytest.raises(AuthenticationFailed):
        ask(fresh, request, (chain.records[0], chain.key))
    other = Chain(fresh)
    other.write("replace", b"A=1\n")
    for data, key in ((other.records[0], chain.key), (chain.records[0], other.key), (other.records[0], other.key)):
        with pytest.raises(AuthenticationFailed):
            ask(chain.link, request, (data, key))


def test_a_view_stands_in_a_region_in_all_its_forms(link: KeyholderLink) -> None:
    top, shop = Chain(link, "top"), Chain(link)
    top.write("replace", b"A=1\nB=2\n")
    shop.write("replace", b"B='3 4'\nC=\n")
    layers = (top.layer(1, 0, 1), shop.layer(1, 2, 3))
    answer = ask(link, RenderView(layers), (top.records[0], top.key, shop.records[0], shop.key))
    shape = answer.message
    assert isinstance(shape, Rendered)
    region = Region(answer.descriptors[0], sum(shape.sizes))
    data = region.map[: region.size]
    region.close()
    ends = itertools.pairwise(itertools.accumulate(shape.sizes, initial=0))
    assert {name: data[slice(*place)] for name, place in zip(parts.NAMES, ends, strict=True)} == {
        "dotenv": b"A=1\nB='3 4'\nC=\n",
        "json": b'{\n  "A": "1",\n  "B": "3 4",\n  "C": ""\n}\n',
        "example": b"A=\nB=\nC=\n",
        "environ": b"A=1\0B=3 4\0C=\0",
        "opened": b"",
        "table": struct.pack("<9I", 0, 2, 3, 4, 6, 9, 10, 12, 12),
        "origins": b"A\0/top\0B\0/shop\0C\0/shop\0",
    }
    assert (shape.variables, shape.dialect) == (3, "portable")


def test_the_dialect_is_the_one_asked_for_or_that_of_the_nearest_text(link: KeyholderLink) -> None:
    top, shop = Chain(link, "top"), Chain(link)
    top.write("replace", b"# @dialect node\nA='$x'\n")
    shop.write("replace", b'B="it\'s"\n')
    layers, blobs = (top.layer(1, 0, 1), shop.layer(1, 2, 3)), (top.records[0], top.key, shop.records[0], shop.key)

    def text(dialect: str = "") -> str:
        answer = ask(link, RenderView(layers, dialect), blobs)
        region = Region(answer.descriptors[0], sum(answer.message.sizes))
        try:
            return region.map[: answer.message.sizes[0]].decode()
        finally:
            region.close()

    assert text() == "A='$x'\nB=`it's`\n"
    assert text("portable") == "A='$x'\nB=\"it's\"\n"
    assert text("expand") == "A='\\$x'\nB=`it's`\n"


def test_what_a_texts_own_dialect_must_not_write_is_refused_before_it_is_sealed(link: KeyholderLink) -> None:
    shop = Chain(link)
    shop.write("replace", b"# @dialect expand\nA=1\n")
    with pytest.raises(Malformed) as caught:
        shop.write("set", b"$(hunter2)", "B")
    assert caught.value.text == "B has $( ), which dotenv-expand runs as a command: the dialect expand cannot carry it"
    shop.write("set", b"two\nlines", "SECRETLY_NAMED")
    with pytest.raises(Malformed) as caught:
        shop.write("merge", b"# @dialect docker\n")
    assert caught.value.text == "the dialect docker cannot carry a variable that is set here already"
    assert "SECRETLY_NAMED" not in f"{caught.value.text} {caught.value.hint}"
    shop.write("unset", None, "SECRETLY_NAMED")
    with pytest.raises(Malformed) as caught:
        shop.write("merge", b"# @dialect perl\n")
    assert caught.value.text == "line 1, column 1: there is no dialect of that name"
    shop.write("merge", b"# @dialect docker\nB='$(x)'\n")
    assert shop.render() == "A=1\nB=$(x)\n"


def test_a_view_of_nothing_is_empty(link: KeyholderLink) -> None:
    answer = ask(link, RenderView(()))
    assert isinstance(answer.message, Rendered)
    assert answer.message == Rendered((0, len(b"{}\n"), 0, 0, 0, 0, 0), 0, "portable")
    Region(answer.descriptors[0], sum(answer.message.sizes)).close()


def test_versions_are_compared_by_names(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("unset", None, "B")
    chain.write("replace", b"# kept\nA=2\nNEW=1\n")
    blobs = (*chain.records, chain.key)
    layers = tuple(chain.layer(seq, seq - 1, len(chain.records)) for seq in range(1, 5))
    answer = ask(chain.link, CompareVersions(layers), blobs).message
    assert isinstance(answer, Compared)
    assert [(v.version, v.added, v.changed, v.removed) for v in answer.versions] == [
        (1, ("A", "B"), (), ()),
        (2, (), ("A",), ()),
        (3, (), (), ("B",)),
        (4, ("NEW",), (), ()),
    ]
    later = ask(chain.link, CompareVersions(layers[1:]), blobs).message
    assert isinstance(later, Compared)
    assert [v.version for v in later.versions] == [3, 4]


_ALL = ("dotenv", "json", "example", "environ")


def compared(chain: Chain, *pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> list[tuple[object, ...]]:
    """Compare views of versions (each a view of that one record), counted from 0."""
    layers = tuple(chain.layer(seq, seq - 1, len(chain.records)) for seq in range(1, len(chain.records) + 1))
    request = keyholding.CompareViews(layers, tuple(keyholding.Pair(*pair) for pair in pairs))
    answer = ask(chain.link, request, (*chain.records, chain.key)).message
    assert isinstance(answer, keyholding.Differing)
    return [tuple(pair) for pair in answer.pairs]


def test_views_are_compared_by_what_a_reader_gets(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("reseal", None)
    chain.write("replace", b"# a comment\nA=2\nNEW=1\n")
    same, changed = compared(chain, ((1,), (2,)), ((0,), (1,)))
    assert same == ((), ())
    assert changed == (("dotenv", "json", "environ"), ("A",))
    grown, made, emptied = compared(chain, ((2,), (3,)), ((), (0,)), ((0,), ()))
    assert grown == (_ALL, ("NEW", "B"))
    assert set(made[1]) == set(emptied[1]) == {"A", "B"}  # type: ignore[call-overload]


def test_a_layer_that_is_hidden_by_another_makes_no_difference(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("replace", b"A=3\nB=3\n")
    same, differing = compared(chain, ((0, 2), (1, 2)), ((0, 2), (0, 1)))
    assert same == ((), ())
    assert differing == (("dotenv", "json", "environ"), ("A", "B"))


def test_a_comment_that_asks_for_a_dialect_changes_the_text_alone(chain: Chain) -> None:
    chain.write("replace", b"A='it is'\n")
    chain.write("replace", b"# @dialect docker\nA='it is'\n")
    chain.write("replace", b"# no comment on that\nA='it is'\n")
    asked, dropped, nothing = compared(chain, ((1,), (2,)), ((2,), (3,)), ((1,), (3,)))
    assert asked == dropped == (("dotenv",), ())
    assert nothing == ((), ())


def test_what_cannot_be_read_differs_from_what_can_and_not_from_another_of_its_kind(chain: Chain) -> None:
    chain.write("replace", b"A=${GONE:?is missing}\n")
    chain.write("replace", b"A=${GONE:?is still missing}\n")
    good_bad, bad_bad = compared(chain, ((0,), (1,)), ((1,), (2,)))
    assert good_bad[0] == (*_ALL, "opened")
    assert bad_bad == ((), ())


def test_checks_name_each_record_and_key_that_fails(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    good, bad = chain.layer(1, 0, 2), chain.layer(2, 1, 2)._replace(record=PLACE)
    answer = ask(chain.link, CheckRecords((good, bad)), (*chain.records, chain.key)).message
    assert isinstance(answer, Faults)
    assert answer.texts[0] == ""
    assert "another place" in answer.texts[1]
    keys = (KeyFile(chain.key_place), KeyFile(chain.key_place._replace(stream="key/blog")), KeyFile(chain.key_place))
    faults = ask(chain.link, CheckKeys(keys), (chain.key, chain.key, b"garbage")).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [False, True, True]


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
    return checkpoint.render_claim(Claim(begin, entries, TIP, 100 * entries, 1, (Head("level", 1, "d"),))).encode()


def checked(link: KeyholderLink, *points: tuple[Place, bytes]) -> list[bool]:
    """Tell which checkpoints at their places have a fault."""
    places, blobs = tuple(place for place, _ in points), tuple(data for _, data in points)
    faults = ask(link, CheckCheckpoints(places), blobs).message
    assert isinstance(faults, Faults)
    return [bool(text) for text in faults.texts]


def test_a_checkpoint_stands_at_its_place_and_is_the_owners(fresh: KeyholderLink) -> None:
    ask(fresh, CreateIdentity(plain=False), secrets=(b"x y z",))
    data = ask(fresh, SignCheckpoint(LOG_PLACE, TIME), (claim(7),)).blobs[0]
    point = checkpoint.parse(data)
    assert (point.claim.entries, point.claim.tip, point.header.time) == (7, TIP, TIME)
    other = checkpoint.render(
        point.protected, checkpoint.render_claim(point.claim._replace(entries=8)), point.signature
    )
    moved = LOG_PLACE._replace(stream="log/0000000000000001")
    assert checked(
        fresh, (LOG_PLACE, data), (moved, data), (LOG_PLACE, other), (LOG_PLACE, b"{}"), (LOG_PLACE, b"")
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
def test_a_checkpoint_is_signed_only_if_it_follows_from_the_one_before(fresh: KeyholderLink, what: str) -> None:
    number, entries, begin, prev, refused = NEXT[what]
    ask(fresh, CreateIdentity(plain=False), secrets=(b"x y z",))
    first = ask(fresh, SignCheckpoint(LOG_PLACE, TIME), (claim(7),)).blobs[0]
    place = LOG_PLACE._replace(seq=number, prev=prev or record.digest(first))
    request = SignCheckpoint(place, TIME)
    if refused:
        with pytest.raises(LogBroken):
            ask(fresh, request, (claim(entries, begin), first))
        ask(fresh, request._replace(accepted=True), (claim(entries, begin),))
    else:
        ask(fresh, request, (claim(entries, begin), first))


def test_a_keyholder_signs_no_shorter_log_though_the_checkpoint_before_is_kept_from_it(fresh: KeyholderLink) -> None:
    ask(fresh, CreateIdentity(plain=False), secrets=(b"x y z",))
    ask(fresh, SignCheckpoint(LOG_PLACE, TIME), (claim(7),))
    with pytest.raises(LogBroken, match="entry 7 was signed"):
        ask(fresh, SignCheckpoint(LOG_PLACE, TIME), (claim(6),))
    ask(fresh, SignCheckpoint(LOG_PLACE, TIME), (claim(8),))  # the first could not be stored


def test_a_checkpoint_of_somebody_else_is_not_gone_on_from(fresh: KeyholderLink, link: KeyholderLink) -> None:
    ask(fresh, CreateIdentity(plain=False), secrets=(b"x y z",))
    theirs = ask(link, SignCheckpoint(LOG_PLACE, TIME, accepted=True), (claim(7),)).blobs[0]
    place = LOG_PLACE._replace(seq=2, prev=record.digest(theirs))
    with pytest.raises(AuthenticationFailed, match="somebody else"):
        ask(fresh, SignCheckpoint(place, TIME), (claim(9), theirs))


# -- the process -------------------------------------------------------------------------------------------------------


def conversation(link: KeyholderLink) -> socket.socket:
    """Open a conversation by hand."""
    ours, theirs = socket.socketpair()
    with theirs:
        rights = array.array("i", [theirs.fileno()])
        assert link._socket is not None
        link._socket.sendmsg([b"?"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    ours.settimeout(10)
    return ours


def answered(ours: socket.socket) -> object:
    """Read one reply."""
    decoder = framing.Decoder(1 << 20, 1 << 20)
    while (found := decoder.next()) is None:
        data = ours.recv(1 << 16)
        if not data:
            return None
        decoder.feed(data)
    return wire.from_body(found[0], keyholding.REPLIES)


GARBAGE: dict[str, bytes] = {
    "no frame": b"\xff" * 100,
    "no json": b"\0\0\0\5hello",
    "an unknown request": framing.encode({"type": "shutdown"}),
    "a reply": framing.encode({"type": "unchanged"}),
    "a missing field": framing.encode({"type": "sign-checkpoint"}),
    "too many blobs": framing.encode({"type": "sign-checkpoint", "seq": 1, "digest": "", "blobs": [1 << 40]}),
    "an unknown operation": framing.encode(wire.to_body(WriteLevel(PLACE, TIME, "explode", "A", KEY_PLACE, 0)), [b"x"])
    + b"x",
    "a blob that is not there": framing.encode(wire.to_body(RenderView((LAYER,)))),
    "no descriptor": framing.encode(wire.to_body(CreateIdentity(plain=True))),
    "a checkpoint of two parts": framing.encode(wire.to_body(VerifyCheckpoint((("1", "x"),)))),
    "a checkpoint without a number": framing.encode(wire.to_body(VerifyCheckpoint((("x", "y", "z"),)))),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_and_the_next_request_is_answered(link: KeyholderLink, data: bytes) -> None:
    with conversation(link) as ours:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        assert isinstance(answered(ours), keyholding.Refused)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))


@pytest.mark.parametrize("data", [b"", b"\0\0", framing.encode({"type": "sign-checkpoint"})[:-3]])
def test_a_conversation_that_breaks_off_ends_its_child_alone(link: KeyholderLink, data: bytes) -> None:
    with conversation(link) as ours:
        ours.sendall(data)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))
    at_rest(link.pid)


def test_a_conversation_that_says_nothing_holds_up_no_other(link: KeyholderLink) -> None:
    with conversation(link), conversation(link):
        for _ in range(5):
            ask(link, VerifyCheckpoint((("1", "x", "y"),)))


WAITING = 3  # children that the keyholder has ready when it has been calm


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def at_rest(pid: int) -> list[int]:
    """Wait until the children that wait are left, and for as long as a rehearsal may take; return their numbers."""
    until, since, waiting = time.monotonic() + 20, time.monotonic(), [""]
    while time.monotonic() - since < 0.6:
        now = children(pid)
        if now != waiting or len(now) != WAITING:
            since, waiting = time.monotonic(), now
        assert time.monotonic() < until, f"{len(now)} children stay"
        time.sleep(0.01)
    return [int(child) for child in waiting]


def test_each_request_is_a_child_that_ends(link: KeyholderLink, chain: Chain) -> None:
    for _ in range(20):
        chain.render()
        with contextlib.suppress(EnvFSError):
            chain.render(b"garbage")
    at_rest(link.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="a process that cannot be dumped shows its descriptors to root alone")
def test_two_hundred_requests_leave_no_descriptor_on_either_side(link: KeyholderLink, chain: Chain) -> None:
    chain.render()
    at_rest(link.pid)
    before = [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", link.pid)]

    async def many() -> None:
        request = RenderView((chain.layer(1, 0, 1),))
        for turn in range(200):
            bad = turn % 4 == 0
            try:
                answer = await link.ask(request, tuple, (b"x" if bad else chain.records[0], chain.key))
            except AuthenticationFailed:
                continue
            for descriptor in answer.descriptors:
                os.close(descriptor)

    run(many)
    at_rest(link.pid)
    assert [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", link.pid)] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a process that cannot be dumped shows its descriptors to root alone")
def test_the_keyholder_has_no_file_open(link: KeyholderLink) -> None:
    folder = f"/proc/{link.pid}/fd"
    targets = {int(number): os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
    beyond = {number: target for number, target in targets.items() if number > 2}
    assert all(
        target.startswith(("socket:", "pipe:", "/secretmem", "/memfd:envfs", "anon_inode:"))
        for target in beyond.values()
    )
    assert targets[0] == "/dev/null"


def test_it_says_what_protects_it(link: KeyholderLink) -> None:
    said = ask(link, DescribeProtection()).message
    assert isinstance(said, Protection)
    assert (said.core_dumps, said.dumpable, said.no_new_privs) == (False, False, True)
    assert said.landlock == landlock.version()
    assert said.seccomp == (seccomp._library is not None) == (not said.no_seccomp)
    assert (said.memory, said.memory_reason) == memory_of_hosts.protection()


def test_a_child_that_is_killed_while_it_waits_is_replaced(link: KeyholderLink) -> None:
    for count in (1, 2, WAITING):
        for child in at_rest(link.pid)[:count]:
            os.kill(child, signal.SIGKILL)
    at_rest(link.pid)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))


def test_the_waiting_children_end_with_the_keyholder(fresh: KeyholderLink) -> None:
    waiting = [Path(f"/proc/{child}") for child in at_rest(fresh.pid)]
    os.kill(fresh.pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while any(child.exists() for child in waiting) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(child.exists() for child in waiting)


def test_many_requests_at_once_are_all_answered(link: KeyholderLink, chain: Chain) -> None:
    async def many() -> None:
        done = []

        async def one() -> None:
            answer = await link.ask(CompareVersions((chain.layer(1, 0, 1),)), tuple, (chain.records[0], chain.key))
            done.append(answer.message)

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(one)
        assert len(done) == 30

    run(many)


def test_large_requests_and_replies_pass(link: KeyholderLink) -> None:
    chain = Chain(link)
    text = "".join(f"NAME_{n}={'x' * 100}\n" for n in range(9000))
    chain.write("replace", text.encode())
    assert len(chain.records[0]) > 1_000_000
    assert chain.render() == text


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_it_ends_when_the_daemon_does(end: str) -> None:
    code = (
        "import sys, time, trio\n"
        "from envfs.daemon.keyholder_link import KeyholderLink\n"
        "link = KeyholderLink()\n"
        "print(link.pid, flush=True)\n"
        "sys.stdin.read(1)\n"
        "link._socket.close()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdin is not None
        handle = os.pidfd_open(int(daemon.stdout.readline()))
        time.sleep(0.3)
        assert not select.select([handle], [], [], 0)[0]
        if end == "killed":
            daemon.kill()
        else:
            daemon.stdin.write(b"x")
            daemon.stdin.flush()
        assert select.select([handle], [], [], 10)[0]
        os.close(handle)
        daemon.kill()


@pytest.mark.parametrize("number", [2, 15, 1], ids=["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_key_typed_at_the_terminal_does_not_end_it(fresh: KeyholderLink, number: int) -> None:
    with contextlib.suppress(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))  # it has started
    os.kill(fresh.pid, number)
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


NO_FILES = """
import socket, sys
from envfs.host import hardening, landlock
hardening.harden_keyholder()
tcp = socket.socket()
if not landlock.confine():
    sys.exit(77)
attempts = {
    "read": lambda: open("/etc/passwd"),
    "write": lambda: open("/tmp/envfs-test-never", "w"),
    "list": lambda: __import__("os").listdir("/"),
}
if landlock.version() >= 4:
    attempts["connect"] = lambda: tcp.connect(("127.0.0.1", 9))
for name, attempt in attempts.items():
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit(f"{name} was possible")
"""


def test_where_the_kernel_can_it_opens_no_file_and_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", NO_FILES], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert (done.returncode, done.stderr) == (0, "")


def readable_regions(pid: int) -> Callable[[bytes], bool]:
    """Return a way to look for bytes in all memory of a process that root can read."""
    chunks = []
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            edges, rights = line.split()[:2]
            start, end = (int(edge, 16) for edge in edges.split("-"))
            if "r" in rights and "[v" not in line:
                with contextlib.suppress(OSError, ValueError):
                    mem.seek(start)
                    chunks.append(mem.read(end - start))
    return lambda needle: any(needle in chunk for chunk in chunks)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another process's memory")
def test_no_value_is_left_in_the_keyholder_after_its_requests(link: KeyholderLink) -> None:
    chain = Chain(link)
    value = b"needle-" + os.urandom(16).hex().encode()
    chain.write("set", value, "A")
    for _ in range(5):
        assert value.decode() in chain.render()
    for pid in (link.pid, *at_rest(link.pid)):
        found = readable_regions(pid)
        assert found(b"envfs")  # the look itself works
        assert not found(value)
