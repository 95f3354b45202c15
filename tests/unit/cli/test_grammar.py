"""The grammar is one table; everything that is made from it fits."""

import importlib
import re
import shlex

import pytest

from envfs_cli import arguments, grammar
from envfs_cli.grammar import Command

COMMANDS = [pytest.param(command, id=command.name) for command in grammar.COMMANDS]
SHOWN = [pytest.param(command, id=command.name) for command in grammar.COMMANDS if command.group != grammar.HIDDEN]
ARGUMENT_KINDS = {"level", "project", "name", "file", "folder", "text", "number", "words"}
OPTION_KINDS = {"flag", "file", "text", "number", "duration", "list"}


def test_no_two_commands_share_a_name_or_a_synonym() -> None:
    words = [word for command in grammar.COMMANDS for word in (command.name, *command.synonyms)]
    assert len(set(words)) == len(words)
    assert all(grammar.find(word) is not None for word in words)


@pytest.mark.parametrize("word", ["", "Get", "GET", "ge", "--help", "set "])
def test_nothing_else_is_a_command(word: str) -> None:
    assert grammar.find(word) is None


def test_a_synonym_is_the_command() -> None:
    assert grammar.find("run") is grammar.find("exec") is not None


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_a_function_that_is_there(command: Command) -> None:
    module, _, function = command.run.partition(":")
    assert callable(getattr(importlib.import_module(f"envfs_cli.commands.{module}"), function))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_words_are_of_known_kinds_and_explained(command: Command) -> None:
    assert all(argument.kind in ARGUMENT_KINDS and argument.help for argument in command.arguments)
    assert all(option.kind in OPTION_KINDS and option.help for option in command.options)
    assert all(option.metavar for option in command.options if option.kind != "flag")
    assert command.summary[0].islower()
    assert not command.summary.endswith(".")
    flags = [flag for option in command.options for flag in option.flags]
    assert len(set(flags)) == len(flags)
    assert all(re.fullmatch(r"-[a-z]|--[a-z][a-z-]+", flag) for flag in flags)
    keys = [arguments.key(option) for option in command.options] + [argument.name for argument in command.arguments]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("command", COMMANDS)
def test_only_the_last_words_may_be_left_out_or_be_many(command: Command) -> None:
    optional = [argument.optional for argument in command.arguments]
    assert optional == sorted(optional)
    assert not any(argument.linked for argument in command.arguments[1:])
    assert not any(argument.linked and argument.kind != "level" for argument in command.arguments)
    assert all(argument.kind != "words" for argument in command.arguments[:-1])


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_is_in_a_group_that_is_shown(command: Command) -> None:
    assert command.group in dict(grammar.GROUPS)


def commands_in(example: str) -> list[list[str]]:
    """Return the words of every `envfs …` in a line of shell."""
    found = re.findall(r"envfs ((?:[^|<>)\"']|'[^']*'|\"[^\"]*\")*)", example)
    return [shlex.split(words) for words in found]


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_has_examples_and_each_is_read_directly(command: Command) -> None:
    assert command.examples
    for example in command.examples:
        used = commands_in(example)
        assert used, example
        for name, *words in used:
            found = grammar.find(name)
            assert found is not None
            assert arguments._directly(found, words) is not None, example
        assert command.name in [words[0] for words in used]


SECRETS = re.compile(r"secret|password|passwd|token|value|passphrase$", re.IGNORECASE)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_a_secret_as_a_word(command: Command) -> None:
    words = [argument.name for argument in command.arguments]
    words += [arguments.key(option) for option in command.options if option.kind != "flag"]
    assert not [word for word in words if SECRETS.search(word)]
