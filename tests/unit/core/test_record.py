"""A record has one encoding; its header binds it to its place."""

import base64
import hashlib
import json

import pytest

from envfs.core import limits, record
from envfs.core.record import Record, RecordHeader
from envfs.errors import AuthenticationFailed

HEADER = RecordHeader(
    kid="kid-1",
    vault="0a1b",
    stream="level/shop",
    seq=7,
    prev="cHJldg",
    author="YXV0aG9y",
    time="2026-11-21T08:09:10.123456Z",
)
RECORD = Record(HEADER, record.protect_header(HEADER), b"i" * 12, b"cipher text", b"t" * 16, b"s" * 64)
STORED = record.render_record(RECORD)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def header_body(**changed: object) -> dict[str, object]:
    return {
        "alg": "dir",
        "enc": "A256GCM",
        "typ": "envfs-record",
        **dict(zip(HEADER._fields[:7], HEADER, strict=False)),
        **changed,
    }


def protected(body: object, separators: tuple[str, str] | None = (",", ":")) -> str:
    return b64(json.dumps(body, separators=separators).encode())


def stored(**changed: object) -> bytes:
    body = {**json.loads(STORED), **changed}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def test_a_record_comes_back_as_it_was_rendered() -> None:
    assert record.parse_record(STORED) == RECORD
    assert record.render_record(record.parse_record(STORED)) == STORED


def test_a_record_is_one_line_of_json_with_the_members_of_rfc_7516() -> None:
    body = json.loads(STORED)
    assert list(body) == ["protected", "iv", "ciphertext", "tag", "signature"]
    assert STORED.count(b"\n") == 1
    assert STORED.endswith(b"}\n")
    assert json.loads(base64.urlsafe_b64decode(body["protected"] + "==")) == header_body()


def test_what_is_signed_is_protected_iv_ciphertext_and_tag() -> None:
    text = record.record_signed_text(RECORD.protected, RECORD.iv, RECORD.ciphertext, RECORD.tag)
    assert text == b".".join(json.loads(STORED)[name].encode() for name in ("protected", "iv", "ciphertext", "tag"))


SECOND_ENCODINGS = {
    "no line end": STORED[:-1],
    "two line ends": STORED + b"\n",
    "crlf": STORED[:-1] + b"\r\n",
    "a blank before": b" " + STORED,
    "a byte order mark": b"\xef\xbb\xbf" + STORED,
    "utf-16": STORED.decode().encode("utf-16"),
    "blanks between": json.dumps(json.loads(STORED)).encode() + b"\n",
    "another order": json.dumps(dict(reversed(json.loads(STORED).items())), separators=(",", ":")).encode() + b"\n",
    "an escape": STORED.replace(b'"iv"', b'"\\u0069v"'),
    "an escaped value": STORED.replace(b'"iv":"a', b'"iv":"\\u0061'),
    "one member twice": STORED.replace(b'{"protected"', b'{"iv":"","protected"'),
    "one member more": STORED.replace(b"}\n", b',"header":{}}\n'),
    "padding": stored(iv=base64.urlsafe_b64encode(b"i" * 11).decode()),
    "stray bits": stored(tag=b64(b"t" * 16)[:-1] + "h"),
    "standard alphabet": stored(iv="++//" * 4),
    "a line break in base64": stored(iv=b64(b"i" * 12)[:4] + "\n" + b64(b"i" * 12)[4:]),
    "a length that no base64 has": stored(iv="aaaaa"),
}


@pytest.mark.parametrize("data", SECOND_ENCODINGS.values(), ids=SECOND_ENCODINGS)
def test_a_second_encoding_of_a_record_is_refused(data: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        record.parse_record(data)


NO_RECORDS = {
    "nothing": b"",
    "a line end": b"\n",
    "no json": b"hunter2\n",
    "no utf-8": b'{"protected":"\xff"}\n',
    "a list": b"[]\n",
    "null": b"null\n",
    "a member less": json.dumps({k: v for k, v in json.loads(STORED).items() if k != "tag"}).encode() + b"\n",
    "protected is a number": stored(protected=7),
    "protected is null": stored(protected=None),
    "protected is empty": stored(protected=""),
    "iv is a number": stored(iv=1),
    "iv is null": stored(iv=None),
    "tag is a list": stored(tag=["a"]),
    "nested without end": b"[" * 100_000,
    "a number without end": b'{"protected":' + b"1" * 10_000 + b"}",
}


@pytest.mark.parametrize("data", NO_RECORDS.values(), ids=NO_RECORDS)
def test_what_is_no_record_is_refused_and_not_quoted(data: bytes) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        record.parse_record(data)
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_a_record_over_its_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(AuthenticationFailed):
        record.parse_record(b" " * (limits.RECORD_BYTES + 1))


def test_the_longest_text_fits_into_a_record() -> None:
    data = record.render_record(RECORD._replace(ciphertext=b"x" * limits.TEXT_BYTES))
    assert len(data) <= limits.RECORD_BYTES
    assert record.parse_record(data).ciphertext == b"x" * limits.TEXT_BYTES


BAD_HEADERS: dict[str, str] = {
    "another algorithm": protected(header_body(alg="A256KW")),
    "another encryption": protected(header_body(enc="A128GCM")),
    "another type": protected(header_body(typ="JOSE")),
    "no number": protected(header_body(seq="7")),
    "a true number": protected(header_body(seq=True)),
    "a float number": protected(header_body(seq=7.0)),
    "number 0": protected(header_body(seq=0)),
    "number -1": protected(header_body(seq=-1)),
    "a time without zone": protected(header_body(time="2026-11-21T08:09:10.123456")),
    "a time in another zone": protected(header_body(time="2026-11-21T08:09:10.123456+01:00")),
    "a time without microseconds": protected(header_body(time="2026-11-21T08:09:10Z")),
    "a time with a line end": protected(header_body(time="2026-11-21T08:09:10.123456Z\n")),
    "a time in other digits": protected(header_body(time="٢٠٢٦-11-21T08:09:10.123456Z")),
    "a time that is no time": protected(header_body(time="2026-13-45T08:09:10.123456Z")),
    "author is null": protected(header_body(author=None)),
    "vault is a list": protected(header_body(vault=["x"])),
    "a member more": protected(header_body(crit=["exp"])),
    "a member less": protected({k: v for k, v in header_body().items() if k != "prev"}),
    "another order": protected(dict(reversed(header_body().items()))),
    "blanks": protected(header_body(), separators=None),
    "no object": protected([1]),
    "no json": b64(b"{"),
    "not base64": "!!!!",
    "padded": base64.urlsafe_b64encode(json.dumps(header_body(), separators=(",", ":")).encode() + b" ").decode(),
}


@pytest.mark.parametrize("text", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(AuthenticationFailed):
        record.parse_protected(text)


def test_a_header_comes_back_as_it_was_protected() -> None:
    assert record.parse_protected(record.protect_header(HEADER)) == HEADER
    odd = HEADER._replace(stream="level/é\n", kid="", prev="")
    assert record.parse_protected(record.protect_header(odd)) == odd


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc", bytes(range(256))])
def test_base64_comes_back(data: bytes) -> None:
    text = record.to_base64(data)
    assert "=" not in text
    assert record.from_base64(text) == data


@pytest.mark.parametrize("text", ["=", "a", "YQ==", "YR", "YWJjZ", "a b", "YQ\n", "+/+/", "é", None, 3, b"YQ"])
def test_what_is_no_base64url_is_refused(text: object) -> None:
    with pytest.raises(AuthenticationFailed):
        record.from_base64(text)


def test_a_digest_is_sha_256_of_the_stored_bytes() -> None:
    assert record.digest(STORED) == b64(hashlib.sha256(STORED).digest())
    assert record.digest(STORED[:-1]) != record.digest(STORED)


@pytest.mark.parametrize(
    ("stream", "seq", "key"),
    [
        ("level", 1, "level/@00000001.json"),
        ("level/shop/prod", 7, "level/shop/prod/@00000007.json"),
        ("key", 1, "key/@00000001.age"),
        ("key/shop", 12_345_678, "key/shop/@12345678.age"),
        ("level/key", 1, "level/key/@00000001.json"),
    ],
)
def test_a_key_names_stream_number_and_kind(stream: str, seq: int, key: str) -> None:
    assert record.record_key(stream, seq) == key


@pytest.mark.parametrize(
    ("level", "stream"),
    [("/", "level"), ("/shop", "level/shop"), ("/shop/prod", "level/shop/prod"), ("/key", "level/key")],
)
def test_a_level_has_its_stream(level: str, stream: str) -> None:
    assert record.level_stream(level) == stream
    assert not record.is_key_stream(stream)


@pytest.mark.parametrize(("project", "stream"), [("/", "key"), ("/shop", "key/shop")])
def test_a_project_has_its_stream(project: str, stream: str) -> None:
    assert record.key_stream(project) == stream
    assert record.project_of_stream(stream) == project
    assert record.is_key_stream(stream)


def test_no_level_can_take_the_key_of_another_levels_record() -> None:
    # a component never starts with @, so `level/a` and `level/a/@00000001.json` cannot both be streams
    assert record.record_key("level/a", 1).split("/")[-1].startswith("@")
