"""Rule files and messages by the hundred thousand: made by chance from what is right, and bent. `make soak` tries most.

Law: each is read, or refused by an EnvFSError; a rule lets in nobody whom it does not name.
"""

import contextlib
import json
import random
from collections.abc import Callable

import pytest

from envfs import rules_file
from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Rule
from envfs.core.access.rule_table import rule_table
from envfs.core.access.verdict import Decision
from envfs.errors import EnvFSError
from envfs.protocol import control, framing, wire
from tests.component.requesting import CASES

FULL = [
    *(Rule("/shop", 1001, id="g1"), Rule("/", gid=7, id="g2", decision=Decision.DENY)),
    Rule("/shop/prod", 1002, "2099-01-01T00:00:00.000000Z", "boot", 9.5, "node", "g3", only=("A*", "B?"), birth=5.0),
    Rule("/", token="a" * 64, id="t4", can=frozenset((Capability.WRITE,)), max_reads=3, by=7, unit="a.service"),
]
PIECES = [
    *("[[grant]]\n", "next = 9\n", "\n", "=", '"', "'", "[", "]", "{", "}", ",", "#", ".", "-", "\\", "\0", "\x1b[2J"),
    *("\\u0000", "\\ud800", "\u202e", "\ufeff", "é", "1", "0", "-1", "4294967295", "9" * 400, "true", "inf", "nan"),
    *("level", "uid", "decision", '"mask"', '"ask"', "can", '["admin"]', "only", '["*"]', "exe_sha256", "id", '"g1"'),
    *("/", "..", "//", '"""', "2026-01-01", "1e300", "0x7f", "level = '/'\n", "uid = 4000000\n"),
]
VALUES: list[object] = [
    *(None, True, 0, -1, 1 << 70, 1.5, 1e300, "", "/", "/shop", "..", "\0", "\ud800", "\x1b[2J", "x" * 5000, [], {}),
    *(
        ["a"],
        [["a"]],
        [None],
        {"a": 1},
        [[[[[[]]]]]],
        "dotenv",
        "value",
        "exec",
        "show",
        "get",
        "q1",
        "read",
        4_000_000,
    ),
]
STRANGER = Caller(4_000_000, 4_000_000, 1, "/nowhere", "/nowhere")
NOW = Moment("boot", 1.0, "2026-11-21T12:00:00.000000Z")
times = pytest.mark.parametrize(  # a million in all
    ("times", "seed"),
    [
        pytest.param(2_000, 0, id="some"),
        *(pytest.param(100_000, seed, marks=pytest.mark.soak) for seed in range(1, 11)),
    ],
)


def bent(text: str, chance: random.Random) -> str:
    """Return a text with pieces put in, cut out or doubled at some places."""
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(text) + 1)
        to = at + chance.choice((0, 0, 1, 2, 9, 40))
        text = text[:at] + chance.choice((chance.choice(PIECES), "", text[at:to] * 2)) + text[to:]
    return text


@times
def test_a_rule_file_is_read_or_refused_and_lets_nobody_in_by_mistake(times: int, seed: int) -> None:
    chance = random.Random(seed)
    tables = [
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in rule_table(rule).items() if key != "token")
        for rule in FULL
    ]
    read = 0
    for _ in range(times):
        chosen = [f"[[grant]]\n{table}" for table in chance.sample(tables, chance.randrange(3))]
        data = bent("next = 9\n" + "".join(chosen), chance).encode("utf-8", "surrogatepass")
        try:
            rules = rules_file.parse_rules(data)
        except EnvFSError:
            continue
        read += 1
        verdict = Policy(rules.rules, NOW).decide(STRANGER, "/shop/prod", 2.0)
        named = [rule for rule in rules.rules if rule.uid in (None, STRANGER.uid) and rule.gid in (None, STRANGER.gid)]
        assert not verdict.is_served or named, data
        assert verdict.rule.isprintable()
    assert read > times // 10


def _messages() -> list[dict[str, object]]:
    return [wire.to_body(case.request) for case in CASES.values()] + [wire.to_body(control.Hello(1, ""))]


def _changed(body: dict[str, object], chance: random.Random) -> dict[str, object]:
    body = dict(body)
    for _ in range(chance.randrange(3)):
        key = chance.choice([*body, "type", "blobs", "x", "level"])
        if chance.random() < 0.2:
            body.pop(key, None)
        else:
            body[key] = chance.choice(VALUES)
    return body


def _flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) * chance.randrange(3) + data[at + chance.randrange(3) :]


@times
def test_a_frame_is_a_message_or_refused(times: int, seed: int) -> None:
    chance = random.Random(seed)
    bodies = _messages()
    made = 0
    for _ in range(times):
        body = _changed(chance.choice(bodies), chance)
        text = json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        data = len(text).to_bytes(4, "big") + text
        if chance.random() < 0.3:
            data = _flipped(data, chance)
        made += _taken(data, chance.choice((len(data), 1, 5, 64)))
    assert made > times // 10


def _taken(data: bytes, size: int) -> bool:
    decoder, take = framing.Decoder(), wire.from_body
    with contextlib.suppress(EnvFSError):
        for at, to in ((0, size), (size, len(data))):
            decoder.feed(data[at:to])
        decoded = decoder.next()
        return decoded is not None and type(take(decoded[0], control.REQUESTS)) in _KINDS
    return False


_KINDS: frozenset[Callable[..., object]] = frozenset(control.REQUESTS.values())
