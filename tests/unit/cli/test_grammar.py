"""The grammar is one table; everything that is made from it fits."""

import ast
import inspect
import re
import shlex
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pytest

from envfs_cli import arguments, commands, grammar, run
from envfs_cli.grammar import Argument, Command, Option
from envfs_cli.grammar import words as words_of_grammar

COMMANDS = [pytest.param(command, id=command.name) for command in grammar.all_commands()]
SHOWN = [
    pytest.param(command, id=command.name) for command in grammar.all_commands() if command.group != grammar.HIDDEN
]
ARGUMENT_KINDS = {"level", "project", "name", "file", "folder", "text", "number", "words", "paths", "command"}
OPTION_KINDS = {"flag", "file", "text", "number", "duration", "list"}


def test_no_two_commands_share_a_name_or_a_synonym() -> None:
    words = [word for command in grammar.all_commands() for word in (command.name, *command.synonyms)]
    assert len(set(words)) == len(words)
    assert all(grammar.find_command(word) is not None for word in words)


@pytest.mark.parametrize("word", ["", "Get", "GET", "ge", "--help", "set "])
def test_nothing_else_is_a_command(word: str) -> None:
    assert grammar.find_command(word) is None


def test_a_synonym_is_the_command() -> None:
    assert grammar.find_command("run") is grammar.find_command("exec") is not None


KINDS = {
    "flag": bool,
    "list": tuple[str, ...],
    "words": tuple[str, ...],
    "paths": tuple[str, ...],
    "number": int,
    "duration": int,
}


def literals() -> dict[str, object]:
    """Return the closed sets that the grammar's module names for the checker alone."""
    tree = ast.parse(inspect.getsource(words_of_grammar))
    named = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Subscript)]
    return {ast.unparse(n.targets[0]): Literal[ast.literal_eval(n.value.slice)] for n in named}


def expected_type(word: Argument | Option) -> object:
    """Return the type that the value of a word has."""
    kind: object = KINDS.get(word.kind, str)
    if isinstance(word, Argument):
        return kind | None if word.optional else kind  # type: ignore[operator]
    return kind if word.kind in ("flag", "list") else kind | None  # type: ignore[operator]


def without_choices(hint: object) -> tuple[object, tuple[str, ...]]:
    """Return a type with text in place of a `Literal`, and the choices of that."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    choices = tuple(choice for part in parts if get_origin(part) is Literal for choice in get_args(part))
    plain = [str if get_origin(part) is Literal else part for part in parts]
    return (plain[0] if len(plain) == 1 else Union[tuple(plain)]), choices  # noqa: UP007 - made of a list


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_a_module_of_its_name_with_the_typed_value_that_its_words_make(command: Command) -> None:
    module, function, kind = run.parts_of(command)
    assert module.__name__.rpartition(".")[2].strip("_") == command.name.strip("_").replace("-", "_")
    assert next(iter(inspect.signature(function).parameters.values())).annotation is kind
    hints = get_type_hints(kind, {**vars(module), **literals(), "Literal": Literal})
    line: dict[str, Argument | Option] = {argument.name: argument for argument in command.arguments}
    line |= {arguments.value_key(option): option for option in command.options}
    assert set(hints) == set(line)
    for name, word in line.items():
        plain, choices = without_choices(hints[name])
        assert plain == expected_type(word), name
        assert choices in ((), word.choices), name


def test_each_module_of_commands_is_a_command() -> None:
    files = {path.stem.strip("_") for path in Path(commands.__file__).parent.glob("*.py")} - {"init"}
    assert files == {command.name.strip("_").replace("-", "_") for command in grammar.all_commands()} - {"init"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_words_are_of_known_kinds_and_explained(command: Command) -> None:
    assert all(argument.kind in ARGUMENT_KINDS and argument.help for argument in command.arguments)
    assert all(option.kind in OPTION_KINDS and option.help for option in command.options)
    assert all(option.metavar for option in command.options if option.kind != "flag")
    assert command.summary[0].islower()
    assert not command.summary.endswith(".")
    flags = [flag for option in command.options for flag in option.flags]
    assert len(set(flags)) == len(flags)
    assert all(re.fullmatch(r"-[a-z]|--[a-z][a-z-]+(=[a-z-]+)?", flag) for flag in flags)
    keys = [arguments.value_key(option) for option in command.options] + [
        argument.name for argument in command.arguments
    ]
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


@pytest.mark.parametrize("name", ["grants", "token", "approvals", "explain", "who", "log", "ls", "show", "history"])
def test_a_command_that_lists_has_json(name: str) -> None:
    command = grammar.find_command(name)
    assert command is not None
    assert words_of_grammar.JSON in command.options


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
            found = grammar.find_command(name)
            assert found is not None
            assert arguments._directly(found, words) is not None, example
        assert command.name in [words[0] for words in used]


SECRETS = re.compile(r"secret|password|passwd|token|value|passphrase$", re.IGNORECASE)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_a_secret_as_a_word(command: Command) -> None:
    words = [argument.name for argument in command.arguments]
    words += [arguments.value_key(option) for option in command.options if option.kind != "flag"]
    assert not [word for word in words if SECRETS.search(word)]


def casts(text: str) -> list[str]:
    """Return the calls of a source text that make another type of what a command is given."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.args]
    made = [call for call in calls if ast.unparse(call.func) in ("str", "int", "bool", "cast")]
    return [ast.unparse(call) for call in made if ast.unparse(call.args[-1]).startswith(("arguments.", "values["))]


@pytest.mark.parametrize("path", sorted(Path(commands.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_no_command_casts_what_it_is_given(path: Path) -> None:
    assert casts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", ["str(arguments.level)", "int(str(values['version'] or 0))", "cast(str, arguments.x)"])
def test_the_test_for_casts_can_fail(text: str) -> None:
    assert casts(text)
