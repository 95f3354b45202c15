"""The targets of `push`: where a name goes, where a value does not, and what a tool would misread."""

import pytest

from envfs.errors import Malformed
from envfs_cli import grammar
from envfs_cli.pushing.targets import TARGETS, find_target

VALUE = "swordfish-1"


def test_the_grammar_knows_each_target() -> None:
    command = grammar.find_command("push")
    assert command is not None
    assert command.arguments[0].choices == tuple(target.name for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_value_is_in_the_input_and_in_no_word(target: object) -> None:
    push = find_target(str(target.name))  # type: ignore[attr-defined]
    words = push.command("KEY", ("--more", "1"))
    assert {"--more", "1"} <= set(words)
    assert ("KEY" in words) is push.is_for_each
    assert VALUE not in " ".join(words)
    assert push.standard_input("/shop/dev", {"KEY": VALUE})
    assert push.takes("KEY_2")
    assert not push.takes("a-b")


def test_words_of_the_person_stand_where_the_tool_reads_options() -> None:
    assert find_target("docker").command("A", ("--label", "x")) == (
        "docker",
        "secret",
        "create",
        "--label",
        "x",
        "A",
        "-",
    )
    assert find_target("gh").command("A", ("--repo", "a/b")) == ("gh", "secret", "set", "A", "--repo", "a/b")
    assert not find_target("gh").takes("GITHUB_TOKEN")


def test_fly_gets_lines_and_quotes_around_several() -> None:
    variables = {"A": "1", "KEY": "-----BEGIN\nx=y\n-----END\n", "E": "", "Q": "a\"b'c"}
    wanted = b'A=1\nKEY="""-----BEGIN\nx=y\n-----END\n"""\nE=\nQ=a"b\'c\n'
    assert find_target("fly").standard_input("/shop", variables) == wanted


@pytest.mark.parametrize("value", ['"quoted"', 'x"""y', 'begins"', "a\r\nb", "x" * 70_000])
def test_fly_is_given_no_value_that_it_would_read_as_another(value: str) -> None:
    with pytest.raises(Malformed, match="KEY has a value that fly would read as another one") as raised:
        find_target("fly").standard_input("/shop", {"KEY": value})
    assert value not in str(raised.value)
