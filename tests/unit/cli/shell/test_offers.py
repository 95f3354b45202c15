"""What may stand at a place of a line of the shell is what the grammar says."""

import pytest

from envfs_cli.grammar.words import FORMATS
from envfs_cli.shell import offers
from tests.unit.cli.fake_shell_link import FakeLink, sources


@pytest.mark.parametrize(
    ("before", "typed", "offered"),
    [
        ("", "uns", ["unset"]),
        ("", "ru", ["run"]),
        ("", "c", ["cd", "cat", "cp", "clear", "check", "completion"]),
        ("", "__", []),
        ("envfs", "pw", ["pwd"]),
        ("help", "se", ["set", "service"]),
        ("cd", "p", ["prod/"]),
        ("get", "", ["dev", "prod/", "DATABASE_URL"]),
        ("get prod", "", ["API_KEY", "DATABASE_URL"]),
        ("get prod", "D", ["DATABASE_URL"]),
        ("get", "prod@", ["prod@12", "prod@2", "prod@1"]),
        ("history", "@1", ["@12", "@1"]),
        ("get", "nowhere@", []),
        ("get nowhere", "", []),
        ("get prod API_KEY", "", []),
        ("show", "../w", ["../web"]),
        ("exec", "d", ["dev"]),
        ("exec dev", "", ["--"]),
        ("exec --", "", offers.PROGRAMS),
        ("exec -- ls", "", offers.FILES),
        ("export -f", "", list(FORMATS)),
        ("export", "--f", ["--format"]),
        ("export -o", "", offers.FILES),
        ("import", "", offers.FILES),
        ("import x", "d", ["dev"]),
        ("log", "", ["verify", "stats", "rotate", "restart"]),
        ("nope", "", []),
        ("ls", "", ["dev", "prod/", "DATABASE_URL"]),
        ("ls prod", "", []),
        ("rm", "prod/A", ["prod/API_KEY"]),
        ("rm DATABASE_URL", "d", ["dev"]),
        ("mv prod/API_KEY", "../w", ["../web"]),
        ("cat", ".env", [".env", ".env.example", ".env.json", ".environ"]),
        ("cat", "prod/", ["prod/eu", "prod/API_KEY", "prod/DATABASE_URL"]),
        ("cat", "prod@", ["prod@12", "prod@2", "prod@1"]),
        ("cat", "prod@2/A", ["prod@2/API_KEY"]),
        ("edit", "D", ["DATABASE_URL"]),
        ("exec --only", "D", ["DATABASE_URL"]),
        ("exec prod --only", "API_KEY,D", ["API_KEY,DATABASE_URL"]),
        ("grant --user", "roo", ["root"]),
        ("grant --group", "roo", ["root"]),
        ("scan --level", "p", ["prod/"]),
        ("rollback", "1", ["12", "1"]),
        ("rollback prod", "@1", ["@12", "@1"]),
        ("rollback", "@1", ["@12", "@1"]),
        ("diff prod", "2", ["2"]),
        ("get --version", "1", ["12", "1"]),
    ],
)
def test_what_may_stand_at_a_place_is_offered(before: str, typed: str, offered: object) -> None:
    found = offers.completion_offers(offers.LinePlace(before.split(), typed, "/shop"), sources(FakeLink()))
    assert (found if isinstance(found, str) else [offer.text for offer in found]) == offered
