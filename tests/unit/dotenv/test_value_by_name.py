"""A value for a canary looks like one that is usually kept under its name, to everybody but its issuer."""

import base64
import re
import zlib

import pytest

from envfs.dotenv.document import parse_document
from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.dotenv.placeholders.seeded_text import bits_of
from envfs.dotenv.placeholders.shapes_by_name import SHAPES
from envfs.dotenv.placeholders.value_by_name import _ALPHABETS, _PIECE, value_by_name
from envfs.dotenv.writing import assignment_line

_YEAR = 31_556_952
SEEDS = [number.to_bytes(32) for number in range(30)]
KNOWN = {name: (starts, body) for name, starts, body, _ in ROWS}
ISSUERS = {
    "AWS_ACCESS_KEY_ID": "aws-id",
    "GITHUB_TOKEN": "github",
    "GH_TOKEN": "github",
    "githubToken": "github",
    "GITHUB_PAT": "github-fine",
    "GITLAB_TOKEN": "gitlab",
    "NPM_TOKEN": "npm",
    "PYPI_TOKEN": "pypi",
    "DOCKER_PASSWORD": "docker",
    "STRIPE_SECRET_KEY": "stripe",
    "STRIPE_PUBLISHABLE_KEY": "stripe",
    "STRIPE_WEBHOOK_SECRET": "webhook-secret",
    "OPENAI_API_KEY": "openai-project",
    "ANTHROPIC_API_KEY": "anthropic",
    "HF_TOKEN": "hugging-face",
    "GROQ_API_KEY": "groq",
    "SLACK_BOT_TOKEN": "slack-bot",
    "SLACK_APP_TOKEN": "slack-app",
    "TWILIO_ACCOUNT_SID": "twilio",
    "SENDGRID_API_KEY": "sendgrid",
    "TELEGRAM_BOT_TOKEN": "telegram",
    "DISCORD_TOKEN": "discord",
    "GOOGLE_API_KEY": "google",
    "AZURE_STORAGE_CONNECTION_STRING": "azure-storage",
    "SHOPIFY_ACCESS_TOKEN": "shopify",
    "NOTION_TOKEN": "notion",
    "AIRTABLE_API_KEY": "airtable",
    "DATABRICKS_TOKEN": "databricks",
    "DIGITALOCEAN_TOKEN": "digitalocean",
    "VAULT_TOKEN": "vault",
    "GRAFANA_TOKEN": "grafana",
    "DOPPLER_TOKEN": "doppler",
    "SUPABASE_SERVICE_ROLE_KEY": "supabase-key",
    "MAILCHIMP_API_KEY": "mailchimp",
    "RESEND_API_KEY": "resend",
}
EXPECTED = {
    "AWS_SECRET_ACCESS_KEY": r"[A-Za-z0-9+/]{40}",
    "AWS_SESSION_TOKEN": r"IQoJb3JpZ2luX2Vj[A-Za-z0-9+/]{800}",
    "DATABASE_URL": r"postgresql://[a-z]+:[A-Za-z0-9]{24}@[a-z0-9.-]+\.rds\.amazonaws\.com:5432/[a-z]+",
    "REDIS_URL": r"rediss://default:[A-Za-z0-9]{32}@[a-z0-9.-]+:6379",
    "SENTRY_DSN": r"https://[0-9a-f]{32}@o[1-9]\d+\.ingest\.sentry\.io/[1-9]\d+",
    "DB_PASSWORD": r"[A-Za-z0-9]{24}",
    "SESSION_SECRET": r"[0-9a-f]{64}",
    "X": r"[0-9a-f]{40}",
}
NO_ROOM = ("AKIA{A16}", "glpat-{_20}", "{x8}-{x4}-4{x3}-{v1}{x3}-{x12}")  # 79, 120 and 122 bits


@pytest.mark.parametrize("name", ISSUERS)
def test_a_value_is_of_the_shape_that_its_issuer_gives_out(name: str) -> None:
    starts, body = KNOWN[ISSUERS[name]]
    for seed in SEEDS:
        value = value_by_name(name, seed)
        assert any(value.startswith(start) and re.fullmatch(body, value[len(start) :]) for start in starts), value


@pytest.mark.parametrize("name", EXPECTED)
def test_a_value_is_what_is_kept_under_such_a_name(name: str) -> None:
    assert all(re.fullmatch(EXPECTED[name], value_by_name(name, seed)) for seed in SEEDS)


def bits(shape: str) -> float:
    random = {**_ALPHABETS, "d": "0123456789", "i": "0123456789", "k": "\0" * 256}
    pieces = [(random[kind], int(count)) for kind, count in _PIECE.findall(shape) if kind in random]
    return sum(bits_of(alphabet, count) for alphabet, count in pieces)


@pytest.mark.parametrize("shape", sorted({shape for _, shape in SHAPES}))
def test_a_value_has_128_random_bits_where_its_shape_has_room(shape: str) -> None:
    assert (bits(shape) >= 128) is (shape not in NO_ROOM)


@pytest.mark.parametrize(("parts", "shape"), SHAPES)
def test_each_row_is_used_and_its_values_differ_and_can_be_stored(parts: str, shape: str) -> None:
    name = parts.strip("_").replace(" ", "_").replace("__", "_") or "A"
    values = [value_by_name(name, seed) for seed in SEEDS]
    assert len(set(values)) == len(SEEDS)
    assert values[0] == value_by_name(name, SEEDS[0])
    outline = "".join(".*" if at % 3 else re.escape(text) for at, text in enumerate(_PIECE.split(shape)))
    for value in values:
        assert re.fullmatch(outline, value), name
        assert value.isascii()
        assert value.isprintable()
        assert not set(value) & set("'\"`$\\#!*?[]{}()<>|& ")
        assert parse_document(assignment_line(name, value)).variables() == {name: value}


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "NPM_TOKEN"])
def test_a_checksum_is_right(name: str) -> None:
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for seed in SEEDS:
        body, checksum = value_by_name(name, seed)[4:-6], value_by_name(name, seed)[-6:]
        number = 0
        for sign in checksum:
            number = number * 62 + signs.index(sign)
        assert number == zlib.crc32(body.encode())


def test_a_key_names_an_account_that_there_can_be() -> None:
    for number in range(500):
        key = value_by_name("AWS_ACCESS_KEY_ID", number.to_bytes(32))
        decoded = int.from_bytes(base64.b32decode(key[4:])[:6])
        assert (decoded & 0x7FFF_FFFF_FF80) >> 7 < 10**12
        assert decoded >> 47 == 1


def test_a_number_in_a_token_is_one() -> None:
    for seed in SEEDS:
        user, time, _ = value_by_name("DISCORD_TOKEN", seed).split(".")
        assert re.fullmatch(r"[1-9]\d{17}", base64.b64decode(user).decode())
        assert 12 * _YEAR < int.from_bytes(base64.urlsafe_b64decode(time + "==")) < 15 * _YEAR  # since 2011
