"""The variables of an account that a fence keeps from a command, by their names and by the looks of their values."""

import pytest

from envfs_cli.fencing.ambient import has_credential, shipped_ambient

_HEX = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "AWS_SECRET_ACCESS_KEY",
            "GH_TOKEN",
            "private_key",
            "DBPW",
            "SMTP_PASS",
            "PGPASSWORD",
            "CREDENTIALS",
            "MY_JWT",
        ),
        *(
            "SESSION_COOKIE",
            "SENTRY_DSN",
            "SECRET_KEY_BASE",
            "STRIPE_KEY",
            "db_password",
            "npm_config__authToken",
            "APIKEY",
        ),
    ],
)
def test_a_name_of_a_credential_is_kept_out_in_whatever_letters(name: str) -> None:
    assert shipped_ambient().without_variables([f"{name}=x".encode()]) == []


@pytest.mark.parametrize(
    "value",
    [
        "postgres://u:hunter2@db.example.com/x",
        "redis://:hunter2@cache",
        "https://0123456789abcdef0123@o1.ingest.example.com/1",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
        f"ghp_{_HEX}",
        f"sk-{_HEX}",
        "jdbc:postgresql://u:p@h/x and more",
    ],
)
def test_a_credential_is_known_by_its_looks_under_any_name(value: str) -> None:
    assert has_credential(value)
    assert shipped_ambient().without_variables([f"SOMETHING={value}".encode()]) == []


@pytest.mark.parametrize(
    "entry",
    [
        *("PATH=/usr/bin:/bin", "HOME=/root", "PWD=/work", "OLDPWD=/", "LANG=C.UTF-8", "TERM=xterm", "EDITOR=vi"),
        *("URL=https://example.com:8443/a@b", "NODE_ENV=production", "TOKENIZERS_PARALLELISM=false", "KEYBOARD=de"),
        *("GIT_CONFIG_KEY_0=http.x", "USER=ana", "LS_COLORS=a:b=c@d", "MAX_TOKENS=9", f"COMMIT={_HEX}"),
        *("REPOSITORY=ssh://git@github.com/acme/shop", "AT=git@github.com:acme/shop"),
    ],
)
def test_what_every_program_has_stays(entry: str) -> None:
    assert shipped_ambient().without_variables([entry.encode()]) == [entry.encode()]
