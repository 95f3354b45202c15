"""Which lines may be recalled: never one that may hold a value."""

import shlex

import pytest

from envfs_cli import arguments
from envfs_cli.shell import builtins, remembering


def may_be_recalled(line: str) -> bool:
    return remembering.may_be_recalled(line, shlex.split(line))


@pytest.mark.parametrize(
    "line",
    [
        "exec -- npm run dev",
        "exec prod -- ./manage.py migrate --noinput",
        "get DATABASE_URL",
        "import ../.env.production /shop/prod",
        "grant --user deploy --ttl 30d --exe /usr/bin/node",
        "sync start postgres://db.example.com/vault",
        "exec -- psql -h db.example.com -p 5432",
    ],
)
def test_ordinary_lines_may_be_recalled(line: str) -> None:
    assert may_be_recalled(line)


@pytest.mark.parametrize(
    "line",
    [
        " get API_KEY",
        "exec -- env TOKEN=hunter2 true",
        "exec -- sh -c 'cd x; TOKEN=hunter2 true'",
        "exec -- sh -c 'true && TOKEN=hunter2 true'",
        "sync start postgres://envfs:hunter2@db.example.com/vault",
        "exec -- curl -H 'Authorization: Bearer ghp_" + "a1B2" * 9 + "'",
        "exec -- curl https://x/?key=sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
        "exec -- login --token 0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "set A -m 'was xoxb" + "-123456789012-abcdefABCDEF123456789012'",
        "exec -- printf '-----BEGIN PRIVATE KEY-----'",
    ],
)
def test_a_line_with_what_may_be_a_value_is_not(line: str) -> None:
    assert not may_be_recalled(line)


@pytest.mark.parametrize(
    ("line", "fit"),
    [
        ("ls", True),
        ("check /shop/prod --strict", True),
        ("exec /shop -- npm run dev", True),
        ("exec /shop -- ./manage.py migrate", True),
        ("exec /shop -- mysql -uroot -phunter2", False),
        ("exec /shop -- sh -c 'echo hi'", False),
        ("exec /shop --reason tests -- true", False),
        ("exec /shop --only A -- true", False),
        ("get /shop API_KEY", False),
        ("import .env /shop -m first", False),
    ],
)
def test_names_messages_and_odd_words_stay_off_the_disk(line: str, fit: bool) -> None:
    first, *rest = shlex.split(line)
    command = builtins.grammar_command(first) if first == "ls" else builtins.find_builtin(first)
    assert command is not None
    assert remembering.is_fit_for_disk([(command, arguments.read_values(command, rest))]) is fit
