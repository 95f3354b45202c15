"""The command that removes a record from an engine: pasted into a shell, it has the words that are meant."""

import shlex

import pytest

from envfs.courier.address import parse_address
from envfs.courier.engines.postgres.schema import SCHEMA
from envfs.courier.removal import removal_command

_KEY = "level/shop/@00000002.json"
_SQL = "ALTER TABLE {0}.record DISABLE TRIGGER stays; DELETE FROM {0}.record WHERE key = '{1}'; "


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("folder:/srv/a b", ["rm", f"/srv/a b/{_KEY}"]),
        ("ssh://vault@host/srv/vault?config=/x", ["ssh", "vault@host", f"rm /srv/vault/{_KEY}"]),
        ("ssh://host:22/~/vault", ["ssh", "-p", "22", "host", f"rm vault/{_KEY}"]),
        (
            "sftp://vault@host:2222/vault",
            ["echo", f"rm /vault/{_KEY}", "|", "sftp", "-b", "-", "-P", "2222", "vault@host"],
        ),
        (
            "etcd://alice:secret@a:2379,b:1/team/vault",
            ["etcdctl", "--endpoints=https://a:2379,https://b:1", "del", f"team/vault/r/{_KEY}"],
        ),
        ("http://127.0.0.1:80", []),
    ],
)
def test_the_words_of_the_command(address: str, words: list[str]) -> None:
    assert shlex.split(removal_command(parse_address(address), _KEY)) == words


@pytest.mark.parametrize(("path", "schema"), [("/vault", SCHEMA), ("/vault/team", "team")])
def test_the_statement_is_about_the_schema_of_the_address(path: str, schema: str) -> None:
    words = shlex.split(removal_command(parse_address(f"postgres://alice:secret@db{path}"), _KEY))
    assert words[:-1] == ["psql", "-h", "db", "-p", "5432", "-d", "vault", "-c"]
    assert words[-1].startswith(_SQL.format(schema, _KEY))
