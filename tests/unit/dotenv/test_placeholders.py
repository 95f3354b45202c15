"""A placeholder is of its value's shape, long and random enough, and nothing of the secret is in it."""

import base64
import itertools
import json
import math
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.dotenv.placeholders.masking import choose_placeholders
from envfs.dotenv.placeholders.placeholder import make_placeholder
from envfs.dotenv.placeholders.seeded_text import BASE62, DIGITS, USERINFO, SeededText

VECTORS = Path(__file__).parents[2] / "vectors" / "placeholders"
NO_ROOM = "url-of-40-bytes-and-no-secret"
FIXED = 40


class Vector(NamedTuple):
    """A value, and what a seed gives for it. `first` is the first piece of the value."""

    value: str
    seed: bytes
    placeholder: str
    first: str


def vector(name: str) -> Vector:
    case = json.loads((VECTORS / f"{name}.json").read_bytes())
    value, seed, placeholder = case["value"], bytes.fromhex(case["seed"]), case["placeholder"]
    return Vector("".join(value), seed, "".join(placeholder), value[0])


NAMES = sorted(path.stem for path in VECTORS.glob("*.json"))
KNOWN = {name: (starts, body) for name, starts, body, _ in ROWS}


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_and_a_value_always_give_the_same_placeholder(name: str) -> None:
    value, seed, placeholder, _ = vector(name)
    assert make_placeholder(value, seed).text == placeholder
    assert make_placeholder(value, b"another").text != placeholder


def test_every_known_shape_has_an_example() -> None:
    assert set(KNOWN) <= set(NAMES)
    assert len(KNOWN) == len(ROWS)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_placeholder_of_a_known_shape_is_of_that_shape(name: str) -> None:
    value, _, placeholder, first = vector(name)
    starts, body = KNOWN[name]
    for text in (value, placeholder):
        assert any(text.startswith(start) and re.fullmatch(body, text[len(start) :]) for start in starts)
    if "" not in starts:
        assert placeholder.startswith(first)


@pytest.mark.parametrize("name", NAMES)
def test_a_placeholder_is_as_long_as_its_value_of_40_bytes_or_more(name: str) -> None:
    value, _, placeholder, _ = vector(name)
    size = len(value.encode())
    assert placeholder.isascii()
    assert len(placeholder) == size or size < FIXED or name == NO_ROOM


@pytest.mark.parametrize(
    "name", [name if at % 8 == 0 else pytest.param(name, marks=pytest.mark.soak) for at, name in enumerate(NAMES)]
)
def test_a_placeholder_has_128_random_bits(name: str) -> None:
    value = vector(name).value
    samples = [make_placeholder(value, number.to_bytes(2)).text for number in range(500)]
    assert len({len(sample) for sample in samples}) == 1
    assert sum(math.log2(len(set(signs))) for signs in zip(*samples, strict=True)) >= 128


@pytest.mark.parametrize("name", NAMES)
def test_a_placeholder_is_found_again_by_its_anchor(name: str) -> None:
    value = vector(name).value
    windows = set()
    for number in range(20):
        text, anchor, *_ = make_placeholder(value, number.to_bytes(2))
        start = max(0, min(anchor, len(text) - 16))
        windows.add(text[start : start + 16])
    assert len(windows) == 20


def secret_pieces(value: str) -> Iterator[str]:
    return (value[start : start + 8] for start in range(len(value) - 7))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "url-without-room"])  # its host is in random case
def test_nothing_of_a_secret_is_shown(name: str) -> None:
    # the pieces of a vector are cut where a secret begins; what stands in both is the same whatever the secret is
    value, seed, placeholder, _ = vector(name)
    shown = {piece for piece in secret_pieces(value.replace("T3Blbk" + "FJ", "")) if piece in placeholder}
    others = make_placeholder(value, seed + b"x").text
    assert all(piece in others for piece in shown)  # by chance, or from the secret, it would not be in both
    for piece in json.loads((VECTORS / f"{name}.json").read_bytes())["value"][1:]:
        if re.fullmatch(r"[A-Za-z0-9_+/-]{20,}", piece) and "T3Blbk" not in piece and name != "jwt":
            assert not any(part in placeholder for part in secret_pieces(piece))


def test_addresses_keep_their_host() -> None:
    for name in (name for name in NAMES if name.startswith("url")):
        value, _, placeholder, _ = vector(name)
        assert (
            urlsplit(placeholder.removeprefix("jdbc:"))
            .netloc.rpartition("@")[2]
            .casefold()
            .startswith(re.split("[:/,]", urlsplit(value.removeprefix("jdbc:")).netloc.rpartition("@")[2])[0])
        )
        assert urlsplit(placeholder).scheme == urlsplit(value).scheme


@pytest.mark.parametrize(
    ("value", "shown", "hidden"),
    [
        ("redis://:hunter2@cache:6379/0", ["redis://:", "@cache:6379/0"], ["hunter2"]),
        ("ftp://user.name7:hunter2@ex.com/a/path", ["ftp://user.name7:", "@ex.com/a/path"], ["hunter2"]),
        ("https://hunter2@example.com/", ["https://", "@example.com"], ["hunter2"]),
        ("https://hunter2:@example.com/", ["https://", "@example.com"], ["hunter2"]),
        ("https://hunter2:x-oauth-basic@example.com/org", ["@example.com/org"], ["hunter2", "x-oauth"]),
        ("https://a9f8e7d6c5b4a3f2:hunter2@example.com/", ["@example.com"], ["a9f8e7d6", "hunter2"]),
        ("https://example.com/bot123456:hunter2hunter2/send", ["https://example.com/"], ["hunter2", "bot123"]),
        ("https://example.com/?token=hunter2", ["https://example.com/"], ["hunter2", "token"]),
        ("https://example.com/#hunter2", ["https://example.com/"], ["hunter2"]),
        ("https://example.com?hunter2", ["https://example.com/"], ["hunter2"]),
        ("postgres://app:hun/ter@2@db/shop", [], ["hun", "ter", "db/"]),
        ("postgres://app:12/hunter2@db/shop", [], ["app", "12/", "hunter2"]),
        ("postgres://app:hun@ter2@db/shop", ["postgres://app:", "@db/shop"], ["hun", "ter2"]),
        ("postgres://app:x@db/shop?password=hunter2", ["@db/shop"], ["hunter2", "password"]),
        ("mysql://app:hunter2@[::1]:3306/shop", ["mysql://app:", "@[::1]:3306/shop"], []),
        ("postgres://app:hunter 2@db/shop", [], ["hunter", "db/"]),
        ("not a://url", [], ["not a"]),
    ],
)
def test_an_address_shows_the_way_and_not_the_secret(value: str, shown: list[str], hidden: list[str]) -> None:
    placeholder = make_placeholder(value, b"seed").text
    assert [text for text in shown if text not in placeholder] == []
    assert [text for text in hidden if text in placeholder] == []


def test_an_address_can_show_its_host_alone() -> None:
    placeholder = make_placeholder("https://user:hunter2@example.com/a/path", b"seed", shows=False)
    assert re.fullmatch(r"https://[A-Za-z0-9]{22}@example\.com", placeholder.text)
    assert placeholder.shown == ""


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_a_signed_token_keeps_its_claims_and_loses_its_signature() -> None:
    header, claims, signature = encoded({"alg": "HS256"}), encoded({"sub": "alice"}), encoded("x" * 40)
    placeholder = make_placeholder(f"{header}.{claims}.{signature}", b"seed")
    assert placeholder.text.startswith(f"{header}.{claims}.")
    assert not any(piece in placeholder.text.rpartition(".")[2] for piece in secret_pieces(signature))
    assert {'{"sub": "alice"}', "alice", '{"alg": "HS256"}'} <= set(placeholder.shown.split("\0"))


@pytest.mark.parametrize(
    "value",
    [
        f"{encoded({'alg': 'none'})}.{encoded({'sub': 'alice'})}.",
        f"{encoded({'alg': 'HS256'})}.{encoded({'sub': 'alice'})}.short",
        f"eyJhunter2.{encoded({'sub': 'alice'})}.{'s' * 43}",
        f"{encoded({'alg': 'HS256'})}.eyJhunter2.{'s' * 43}",
        f"{encoded({'alg': 'RSA-OAEP'})}.{'k' * 40}.{'i' * 16}.{'c' * 40}.{'t' * 22}",
    ],
)
def test_a_token_that_no_signature_protects_shows_nothing(value: str) -> None:
    assert not any(piece in make_placeholder(value, b"seed").text for piece in secret_pieces(value))


def test_shapes_that_programs_check_are_right() -> None:
    made = {name: vector(name).placeholder for name in NAMES}
    assert str(uuid.UUID(made["uuid"])) == made["uuid"]
    assert int(made["number"]) >= 10**38
    for name in ("base64", "base64-of-40-bytes"):
        assert base64.b64encode(base64.b64decode(made[name], validate=True)).decode() == made[name]
    signature = made["jwt"].rpartition(".")[2]
    assert base64.urlsafe_b64encode(base64.urlsafe_b64decode(signature + "=")).decode().rstrip("=") == signature
    lines, secret = made["pem"].splitlines(), vector("pem").value.splitlines()
    assert [len(line) for line in lines] == [len(line) for line in secret]
    assert (lines[0], lines[-1]) == (secret[0], secret[-1])
    assert base64.b64decode("".join(lines[1:-1]), validate=True)


@pytest.mark.parametrize("sign", list("'\"`$\\#;&|<>()*?[]{}"))
def test_a_placeholder_has_no_sign_that_a_shell_minds(sign: str) -> None:
    for value in (f"hunter2{sign}", f"https://user:pass{sign}word@example.com/", f"/path/{sign}/x", f"ghp_{sign * 40}"):
        assert sign not in make_placeholder(value, b"seed").text


def test_long_values_take_no_long_time() -> None:
    for piece in ("a", "T3Blbk" + "FJ", "/a", "-----BEGIN X-----", "eyJ.", "x@", "a:", ",a:1", "=", "é", "\\n"):
        for head in ("", "sk-", "https://", "/", "postgres://u:", "-----BEGIN X-----\n"):
            value = (head + piece * 128_000)[:128_000]
            assert len(make_placeholder(value, b"seed").text) == len(value.encode())


def test_seeded_text_is_even() -> None:
    for alphabet in (DIGITS, BASE62, USERINFO):
        counts = {sign: SeededText(b"seed").draw(alphabet, 100_000).count(sign) for sign in alphabet}
        expected = 100_000 / len(alphabet)
        assert max(abs(count - expected) for count in counts.values()) < 6 * math.sqrt(expected)


def test_pieces_of_seeded_text_differ() -> None:
    source = SeededText(b"seed")
    pieces = [source.draw(BASE62, 30) for _ in range(100)]
    assert all(one not in other for one, other in itertools.permutations(pieces, 2))


def placeholders_of(**values: str) -> dict[str, str]:
    items = list(values.items())
    return dict(zip(values, choose_placeholders(items, [name.encode() for name in values]), strict=True))


@pytest.mark.parametrize(
    "url",
    [
        "https://Zk3vS8nQpL0r/",
        "https://user:word@Zk3vS8nQpL0r/path",
        "postgres://user:word@Zk3vS8nQpL0r.example.com:5432/a-path-that-is-so-long-that-the-length-counts",
        "redis://one:6379,Zk3vS8nQpL0r:6379",
    ],
)
def test_a_host_that_is_another_variables_secret_is_not_shown(url: str) -> None:
    made = placeholders_of(SECRET="Zk3vS8nQpL0r", URL=url)
    assert "zk3vs8nqpl0r" not in made["URL"].lower()
    assert len(made["URL"]) == len(url) or len(url) < FIXED
    assert "Zk3vS8nQpL0r" in placeholders_of(URL=url)["URL"]


@pytest.mark.parametrize("host", ["db.example.com", "postgres", "app-database", "10.20.30.40"])
def test_the_name_of_a_host_is_shown_though_another_variable_has_it(host: str) -> None:
    made = placeholders_of(DB_HOST=host, URL=f"postgres://user:word@{host}:5432/name")
    assert f"@{host}" in made["URL"].lower()
    assert host not in made["DB_HOST"]


SECRET = 'Zk3vS8nQ"é0'


def signed(header: object, claims: object) -> str:
    return f"{encoded(header)}.{encoded(claims)}.{encoded('x' * 40)}"


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        (SECRET, signed({"alg": "HS256", "kid": SECRET}, {"sub": "alice"})),
        (SECRET, signed({"alg": "HS256"}, {"sub": ["alice", {SECRET: 1}]})),
        ("ZK3VS8NQ", f"-----BEGIN ZK3VS8NQ-----\n{'A' * 64}\n-----END ZK3VS8NQ-----\n"),
        ("zk3vs8nq4t", "zk3vs8nq4t://example.com/path"),
        ("mgqvMgfp", "postgres://app:pw@db.example.com/mgqvMgfp"),
        ("mgqvMgfp", "postgres://mgqvMgfp:pw@db.example.com/and-a-path-without-much-room"),
        ("vmujgudn", "sk-ant-vmujgudn01-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ],
    ids=["header", "claims", "label", "scheme", "path without room", "user without room", "known shape"],
)
def test_a_part_that_is_another_variables_value_is_not_shown(secret: str, value: str) -> None:
    placeholder = placeholders_of(SECRET=secret, VALUE=value)["VALUE"]
    parts = [placeholder, *map(decoded, placeholder.split(".")[:2])]
    assert not any(secret in part for part in parts)


def decoded(part: str) -> str:
    try:
        return repr(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except ValueError:
        return ""
