"""The direct reader and argparse, made from one table, read every well-formed line alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envfs_cli import arguments, grammar
from envfs_cli.grammar import Argument, Command, Option
from tests.selection import TIMES

COMMANDS = [pytest.param(command, id=command.name) for command in grammar.all_commands()]
plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).filter(
    lambda word: word and not word.startswith("-")
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "level": st.sampled_from(["/", "/shop", "shop/prod", "/a/b/c"]) | plain,
    "project": st.sampled_from(["/", "shop", "/shop"]) | plain,
    "name": st.sampled_from(["A", "DATABASE_URL"]) | plain,
    "file": st.sampled_from(["-", ".env", "/etc/x y"]) | plain,
    "folder": st.sampled_from([".", "web", "/shop"]) | plain,
    "paths": st.sampled_from(["-", ".", "/etc/x y"]) | plain,
    "text": plain,
    "number": st.integers(0, 10**30).map(str),
    "duration": st.builds("{}{}".format, st.integers(1, 10**9), st.sampled_from("smhd")),
    "command": st.sampled_from(["get", "exec"]) | plain,
    "list": st.lists(st.sampled_from(["A", "B", "C_1"]), min_size=1, max_size=3).map(",".join),
}


def value(place: Argument | Option) -> st.SearchStrategy[str]:
    return st.sampled_from(place.choices) if place.choices else VALUES[place.kind]


@st.composite
def lines(draw: st.DrawFn, command: Command) -> list[str]:
    """Make a well-formed line: arguments in their order, options anywhere between them."""
    last = len(command.arguments)
    while last and command.arguments[last - 1].optional and draw(st.booleans()):
        last -= 1
    first = int(bool(last) and command.arguments[0].linked and draw(st.booleans()))
    groups = [[draw(value(argument))] for argument in command.arguments[first:last] if argument.kind != "words"]
    if first:  # what has a slash is taken for a level, and the name for missing
        groups = [[word.replace("/", "_") for word in group] for group in groups]
    for option in draw(st.lists(st.sampled_from(command.options), max_size=4)) if command.options else ():
        flag = draw(st.sampled_from(option.flags))
        words = [flag] if option.kind == "flag" else [flag, draw(value(option).filter(lambda word: word != "-"))]
        groups.insert(draw(st.integers(0, len(groups))), words)
    words = [word for group in groups for word in group]
    if command.arguments and command.arguments[-1].kind == "words":
        words += ["--", *draw(st.lists(plain | st.sampled_from(["--", "-x", "--only", "-h"]), min_size=1, max_size=4))]
    return words


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=10 * TIMES)
@given(data=st.data())
def test_a_well_formed_line_is_read_alike_both_ways(command: Command, data: st.DataObject) -> None:
    words = data.draw(lines(command))
    directly = arguments._directly(command, words)
    assert directly is not None
    assert directly == arguments._by_argparse(command, words)
    assert arguments.read_values(command, words) == directly


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=10 * TIMES)
@given(data=st.data())
def test_whatever_the_direct_reader_takes_argparse_takes_alike(command: Command, data: st.DataObject) -> None:
    flags = [flag for option in command.options for flag in option.flags]
    word = st.sampled_from(["/shop", "A", "7", "5m", "-", "--", "json", "verify", "level", "-x", "", *flags])
    words = data.draw(st.lists(word, max_size=6))
    directly = arguments._directly(command, words)
    if directly is None:
        return
    try:
        assert directly == arguments._by_argparse(command, words)
    except SystemExit:
        assert words[-1] == "--"  # with nothing after them argparse wants no dashes, sometimes
