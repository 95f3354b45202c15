"""The habits of other shells, as lines of the grammar."""

import pytest

from envfs.errors import BadName
from envfs_cli import arguments, grammar
from envfs_cli.arguments import Mistake
from envfs_cli.shell import builtins, habits
from tests.unit.cli.fake_shell_link import LEVELS


def lines_of(text: str, current: str = "/shop") -> list[str]:
    first, *rest = text.split()
    command = builtins.find_builtin(first)
    assert command is not None
    found = habits.lines_for(command, arguments.read_values(command, rest), current, LEVELS.__contains__)
    return [" ".join((line.command, *line.words)) for line in found]


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("rm API_KEY", ["unset /shop API_KEY"]),
        ("rm API_KEY prod/DEBUG", ["unset /shop API_KEY", "unset /shop/prod DEBUG"]),
        ("rm prod", ["rm /shop/prod"]),
        ("rm -rf prod", ["rm /shop/prod --below --yes"]),
        ("rm gone/", ["rm /shop/gone"]),
        ("rm API_KEY -m because", ["unset /shop API_KEY --message because"]),
        ("mv A B", ["rename /shop A B"]),
        ("mv A prod", ["mv /shop /shop/prod --only A"]),
        ("mv A prod/A", ["mv /shop /shop/prod --only A"]),
        ("mv A B prod/C /web", ["mv /shop /web --only A,B", "mv /shop/prod /web --only C"]),
        ("mv prod/A prod/B", ["rename /shop/prod A B"]),
        ("mv prod old/", ["mv /shop/prod /shop/old"]),
        ("mv prod live", ["mv /shop/prod /shop/live"]),
        ("mv dev prod/", ["mv /shop/dev /shop/prod/dev"]),
        ("mv . /web --only A,B", ["mv /shop /web --only A,B"]),
        ("cp A ../web", ["cp /shop /web --only A"]),
        ("cp dev prod --only A", ["cp /shop/dev /shop/prod --only A"]),
        ("cp dev prod", ["cp /shop/dev /shop/prod"]),
        ("cp dev@3 prod", ["cp /shop/dev@3 /shop/prod"]),
        ("cp dev prod --version 3", ["cp /shop/dev /shop/prod --version 3"]),
        ("cp dev@3/A .", ["cp /shop/dev@3 /shop --only A"]),
        ("cat A", ["get /shop A"]),
        ("cat A prod/B", ["get /shop A", "get /shop/prod B"]),
        ("cat /web/A", ["get /web A"]),
        ("cat prod@3/A", ["get /shop/prod@3 A"]),
        ("cat .vars/A", ["get /shop A"]),
        ("cat prod/.vars/A", ["get /shop/prod A"]),
        ("cat .env", ["export /shop"]),
        ("cat prod/.env.json", ["export /shop/prod --format json"]),
        ("cat prod@-1/.env", ["export /shop/prod@-1"]),
        ("edit", ["edit /shop"]),
        ("edit prod", ["edit /shop/prod"]),
        ("edit A -y", ["edit /shop A --yes"]),
        ("edit new/", ["edit /shop/new"]),
    ],
)
def test_a_word_is_a_level_where_one_is_there_and_else_a_variable(typed: str, lines: list[str]) -> None:
    assert lines_of(typed) == lines


def test_the_top_is_a_level_like_others() -> None:
    assert lines_of("rm /A", "/shop/prod") == ["unset / A"]
    assert lines_of("mv A ..", "/shop") == ["mv /shop / --only A"]


@pytest.mark.parametrize(
    "typed",
    [
        "rm",
        "cat",
        "cat prod",
        "cat .",
        "mv A",
        "cp A B",
        "cp A prod/B",
        "mv A prod/B",
        "mv A B C",
        "mv A prod dev",
        "mv dev prod /web",
        "mv A .",
        "cp A prod --version 3",
    ],
)
def test_words_that_do_not_go_together_are_a_mistake_with_a_hint(typed: str) -> None:
    with pytest.raises(Mistake) as caught:
        lines_of(typed)
    assert caught.value.hint


@pytest.mark.parametrize("typed", ["rm *", "cat 'x", "rm hunter-2!", "mv A ä"])
def test_what_is_neither_is_refused(typed: str) -> None:
    with pytest.raises(BadName):
        lines_of(typed)


@pytest.mark.parametrize("name", sorted({c.name for c in builtins.BUILTINS} & {c.name for c in grammar.all_commands()}))
def test_the_shells_own_takes_every_option_of_the_grammars(name: str) -> None:
    own = builtins.find_builtin(name)
    assert own is not None
    flags = {flag for option in own.options for flag in option.flags}
    assert flags >= {flag for option in builtins.grammar_command(name).options for flag in option.flags}
