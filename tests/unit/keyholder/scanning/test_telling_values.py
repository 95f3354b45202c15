"""Which values are looked for: those that do not stand in a text by chance."""

import random
import string

import pytest

from envfs.keyholder.scanning.telling_values import is_telling, looked_for


@pytest.mark.parametrize(
    ("name", "value", "telling"),
    [
        ("NODE_ENV", "production", False),
        ("REGION", "eu-central-1", False),
        ("URL", "https://api.example.com/v1/orders", False),
        ("DATABASE_URL", "postgres://app:postgres@localhost:5432/app", False),
        ("MAIL", "someone@example.com", False),
        ("ADDRESS", "127.0.0.1:8080", False),
        ("SINCE", "2026-11-30", False),
        ("SSL_KEY_FILE", "/etc/ssl/private/server.key", False),
        ("PAD", "aaaaaaaaaaaaaaaa", False),
        ("PASSWORD", "password1", False),
        ("LONG", "12345678901", False),
        ("CARD", "4929804463622139", True),
        ("PASSWORD", "correct-horse-battery-staple", True),
        ("WORDS", "correct-horse-battery-staple", False),
        ("PASSWORD", "hunter3hunter3", True),
        ("ID", "550e8400-e29b-41d4-a716-446655440000", True),
        ("KEY", "AKIAIOSFODNN7EXAMPLE", True),
        ("DSN", "postgres://app:Xk29fjQ1@db/app", True),
        ("TOKEN", "hXkQpzLwRtYb", True),
    ],
)
def test_what_stands_in_texts_by_chance_is_not_looked_for(name: str, value: str, telling: bool) -> None:
    assert is_telling(name, value) is telling


def test_of_an_address_the_password_is_looked_for_too() -> None:
    assert looked_for("DSN", "postgres://app:Xk29fjQ1@db/app") == ["postgres://app:Xk29fjQ1@db/app", "Xk29fjQ1"]


def test_a_key_is_looked_for_line_by_line() -> None:
    source = random.Random(4)
    lines = ["".join(source.choices(string.ascii_letters + string.digits, k=64)) for _ in range(3)]
    pem = "\n".join(("-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""))
    assert looked_for("KEY", pem) == lines
    assert looked_for("KEY", pem.replace("\n", "\\n")) == lines
    assert looked_for("KEY", pem.replace("\n", "\r\n")) == lines


@pytest.mark.parametrize("value", ["", "short", "1234567", "é2345"])
def test_a_short_value_is_never_looked_for(value: str) -> None:
    assert looked_for("PASSWORD", value, everything=True) == []


def test_everything_counts_where_it_is_asked_for() -> None:
    assert looked_for("NODE_ENV", "production", everything=True) == ["production"]
    assert looked_for("NODE_ENV", "production") == []
