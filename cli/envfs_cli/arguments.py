"""From words to a command's arguments, by the grammar.

The direct way reads a well-formed line without argparse, which alone would double the client's start; whatever it does
not take as it stands (help, abbreviations, mistakes) goes through argparse, built from the same table.
"""

import sys

from envfs.errors import EnvFSError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from envfs_cli.grammar import Argument, Command, Option

    Value = str | int | bool | tuple[str, ...] | None
    Values = dict[str, Value]  # by the names of arguments and options. `envfs_cli.run` makes a typed value of them

_KEYWORDS = ("as", "for", "from", "import")
_NO_COMMAND = "the command to run comes after --"
_MISSING = "the following arguments are required: "
_VALUELESS = "it takes no value"
_TOO_MANY = "there are more words than the command takes"
_NEAR = 0.65  # below it, `--level` is near to `--help`
_EMPTY = "it is empty"  # most likely a variable of the shell that is not set
_MAY_BE_EMPTY = ("message",)
_NO_VALUES = "a value is never an argument: it is asked for, or read from standard input; several names are A,B,C"
_WORDS_TOO_MANY = {
    "envfs set": _NO_VALUES,
    "envfs rm": "a variable is removed by `envfs unset LEVEL NAME`",
    "envfs import": "one file at a time, or a folder with its .env files, as in `envfs import . /app`",
}
_WORDS_TOO_FEW = {"envfs rollback": "the version is a word of its own, as in `envfs rollback /app 7`"}


class Mistake(EnvFSError):
    """A command line that is not of the grammar. argparse ends with the same status."""

    code = "usage"
    status = 2


def read_values(command: "Command", words: "Sequence[str]") -> "Values":
    """Return the values of a command's arguments and options, by their names. Exits on help and mistakes."""
    values = _directly(command, words)
    if values is None:
        from envfs_cli import standard_streams

        standard_streams.forgive_lost_words()
        return _by_argparse(command, words)
    return values


def value_key(option: "Option") -> str:
    """Return the name of an option's value: that of its long flag, and behind it a `_` if Python keeps that name."""
    name = option.flags[-1].lstrip("-").replace("-", "_").replace("=", "_")
    return f"{name}_" if name in _KEYWORDS else name


def name_list(text: str) -> tuple[str, ...]:
    """Read a list such as `A,B`. ValueError if a part is empty."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise ValueError("an empty name in the list")
    return parts


def parse_number(text: str) -> int:
    """Read a number of digits only. ValueError for anything else."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("not a number")
    return int(text)


def _parse_duration(text: str) -> int:
    from envfs.core import durations

    return durations.parse_duration(text)


_READERS: "dict[str, Callable[[str], Value]]" = {
    "number": parse_number,
    "duration": _parse_duration,
    "list": name_list,
}


# -- the direct way ----------------------------------------------------------------------------------------------------


def _directly(command: "Command", words: "Sequence[str]") -> "Values | None":
    places = command.arguments
    values = _in_places(command, words, list(places))
    if values is None and places and places[0].linked:
        values = _in_places(command, words, list(places[1:]))
        if values is not None and _takes_a_level_for_a_name(command, values):
            return None
    return values


def _takes_a_level_for_a_name(command: "Command", values: "Values") -> bool:
    return any(argument.kind == "name" and "/" in str(values[argument.name]) for argument in command.arguments)


def _in_places(command: "Command", words: "Sequence[str]", places: "list[Argument]") -> "Values | None":
    values = _defaults(command)
    options = {flag: option for option in command.options for flag in option.flags}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return _ending(values, places, waiting)
        if word in options:
            if not _take_option(values, options[word], waiting):
                return None
        elif (
            (word.startswith("-") and word != "-")
            or not places
            or places[0].kind == "words"
            or not _take_argument(values, places[0] if places[0].kind == "paths" else places.pop(0), word)
        ):
            return None
    return _ending(values, places, [])


def _defaults(command: "Command") -> "Values":
    values: Values = {value_key(option): _default(option) for option in command.options}
    values.update({argument.name: None for argument in command.arguments})
    return values


def _default(option: "Option") -> "Value":
    return False if option.kind == "flag" else () if option.kind == "list" else None


def _take_option(values: "Values", option: "Option", rest: list[str]) -> bool:
    if option.kind == "flag":
        values[value_key(option)] = True
        return True
    if not rest or rest[0].startswith("-"):
        return False
    word = rest.pop(0)
    if not word and value_key(option) not in _MAY_BE_EMPTY:
        return False
    return (not option.choices or word in option.choices) and _convert(values, value_key(option), option.kind, word)


def _take_argument(values: "Values", argument: "Argument", word: str) -> bool:
    if (argument.choices and word not in argument.choices) or not (word or _may_be_empty(argument)):
        return False
    if argument.kind == "paths":
        taken = values[argument.name]
        values[argument.name] = (*(taken if isinstance(taken, tuple) else ()), word)
        return True
    return _convert(values, argument.name, argument.kind, word)


def _may_be_empty(argument: "Argument") -> bool:
    return argument.may_be_empty or not argument.optional


def _convert(values: "Values", name: str, kind: str, word: str) -> bool:
    try:
        values[name] = _READERS[kind](word) if kind in _READERS else word
    except ValueError:
        return False
    return True


def _ending(values: "Values", places: "list[Argument]", last_words: list[str]) -> "Values | None":
    if last_words and places and places[-1].kind == "words":
        while places[0].optional and places[0].kind != "words":
            places.pop(0)
    if places and places[0].kind == "paths" and any(word[:1] in ("", "-") for word in last_words):
        return None  # argparse takes none of these behind the dashes. `./-x` is one for both
    if places and places[0].kind in ("words", "paths") and last_words:
        name = places.pop(0).name
        taken = values[name]
        values[name] = (*(taken if isinstance(taken, tuple) else ()), *last_words)
        last_words = []
    if last_words or any(not argument.optional for argument in places):
        return None
    return values


# -- by argparse -------------------------------------------------------------------------------------------------------


def command_parser(command: "Command") -> "argparse.ArgumentParser":
    """Build the argparse parser of one command, for its help and its complaints."""
    from envfs_cli import help_text

    argument_parser = _parser_class()(
        prog=help_text.typed_name(command),
        usage=help_text.command_usage(command),
        description=help_text.command_description(command),
        epilog=help_text.command_epilog(command),
        formatter_class=help_text.Wrapped,
    )
    for argument in command.arguments:
        count = "*" if argument.kind in ("words", "paths") else "?" if argument.optional or argument.linked else None
        argument_parser.add_argument(
            argument.name,
            nargs=count,
            help=argument.help,
            type=_checked(argument.kind, may_be_empty=_may_be_empty(argument)),
            choices=argument.choices or None,
        )
    for option in command.options:
        if option.kind == "flag":
            argument_parser.add_argument(*option.flags, dest=value_key(option), action="store_true", help=option.help)
        else:
            argument_parser.add_argument(
                *option.flags,
                dest=value_key(option),
                metavar=option.metavar,
                default=_default(option),
                help=option.help,
                type=_checked(option.kind, may_be_empty=value_key(option) in _MAY_BE_EMPTY),
                choices=option.choices or None,
            )
    return argument_parser


def _checked(kind: str, *, may_be_empty: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202
    import argparse

    reader = _READERS.get(kind, str)
    names = {"number": "number", "duration": "duration (30s 15m 1h 7d)", "list": "list of names (A,B)"}

    def checked(text: str) -> object:
        if not text and not may_be_empty:
            raise argparse.ArgumentTypeError(_EMPTY)
        return reader(text)

    checked.__name__ = names.get(kind, kind)
    return checked


def _parser_class() -> "type[argparse.ArgumentParser]":
    import argparse

    class Parser(argparse.ArgumentParser):
        """A parser whose complaints repeat no word that was typed: it may be a value, or a passphrase."""

        def error(self, message: str) -> "NoReturn":
            flags = [flag for action in self._actions for flag in action.option_strings]
            text, hint = _complaint(message, flags, _WORDS_TOO_MANY.get(self.prog, ""))
            if message.startswith(_MISSING):
                hint = _WORDS_TOO_FEW.get(self.prog, f"`{self.prog} --help` has examples")
            self.print_usage(sys.stderr)
            self.exit(Mistake.status, f"{self.prog}: error: {text}\n" + (f"envfs: hint: {hint}\n" if hint else ""))

    return Parser


def _complaint(message: str, flags: "Sequence[str]", hint: str) -> "tuple[str, str]":
    # argparse puts what was typed between words of its own. Only those, and what the grammar says, are let through
    import re

    if message == _NO_COMMAND:
        return message, ""
    if message.startswith(_MISSING):  # as the usage above it has them
        names = [name if name.startswith("-") else name.upper() for name in message.removeprefix(_MISSING).split(", ")]
        return f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} missing", ""
    if message.startswith("unrecognized arguments: "):
        typed = [word.partition("=")[0] for word in message.split()[2:] if word.startswith("-")]
        return ("there is no such option", _nearest(typed, flags)) if typed else (_TOO_MANY, hint)
    if message.startswith("ambiguous option: "):
        return f"an option is cut too short: it could be {message.rpartition(' could match ')[2]}", ""
    place = re.match(r"argument ([^:]+): ", message)
    if place is None:
        return "the words do not fit the command", ""
    fault = _fault(message[place.end() :])
    return place[0] + fault, _valued(place[1], flags) if fault == _VALUELESS else ""


def _fault(text: str) -> str:
    if text.startswith("expected ") or text == _EMPTY:
        return text
    if text.startswith("invalid choice: "):
        return f"it is one of {text.rpartition(' (choose from ')[2].removesuffix(')')}"
    if text.startswith("invalid ") and " value: " in text:
        return f"not a {text.removeprefix('invalid ').partition(' value: ')[0]}"
    return _VALUELESS if text.startswith("ignored explicit argument ") else "it does not fit the command"


def _valued(flag: str, flags: "Sequence[str]") -> str:
    # a flag with one value, as --fence=best-effort, is two for argparse
    near = [other for other in flags if other.startswith(f"{flag}=")]
    return f"did you mean {near[0]}?" if near else ""


def _nearest(typed: "Sequence[str]", flags: "Sequence[str]") -> str:
    import difflib

    near = [flag for word in typed for flag in difflib.get_close_matches(word, flags, 1, _NEAR)]
    return f"did you mean {near[0]}?" if near else ""


def _check_action(command: "Command", words: "Sequence[str]") -> None:
    # a command with actions is of no use without one, so all of them are named
    if not command.arguments or not command.arguments[0].meanings:
        return
    first, waiting = command.arguments[0], list(words)
    valued = {flag for option in command.options if option.kind != "flag" for flag in option.flags}
    if any(word.startswith("-") and not any(word in option.flags for option in command.options) for word in words):
        return
    while waiting and waiting[0].startswith("-"):
        waiting = waiting[2:] if waiting[0] in valued else waiting[1:]
    if waiting[0] not in first.choices if waiting else not first.optional:
        choices = f"{', '.join(first.choices[:-1])} and {first.choices[-1]}"
        said = "has no such" if waiting else "needs an" if first.name[0] in "aeiou" else "needs a"
        raise Mistake(
            f"`envfs {command.name}` {said} {first.name}: there are {choices}",
            f"`envfs {command.name} --help` explains each",
        )


def _by_argparse(command: "Command", words: "Sequence[str]") -> "Values":
    argument_parser = command_parser(command)
    split = list(words).index("--") if "--" in words else len(words)
    if {"-h", "--help"} & set(words[:split]):
        words, split = ["--help"], 1  # help is given whatever else is wrong
    else:
        _check_action(command, words[:split])
    last = command.arguments[-1] if command.arguments else None
    if last is None or last.kind != "words":
        plain_values: Values = vars(argument_parser.parse_intermixed_args(list(words)))
        if last is not None and last.kind == "paths":
            plain_values[last.name] = tuple(plain_values[last.name] or ()) or None  # type: ignore[arg-type]
        if plain_values.get("level", "") is None and _takes_a_level_for_a_name(command, plain_values):
            argument_parser.error(f"{_MISSING}name")
        return plain_values
    values: Values = vars(argument_parser.parse_intermixed_args(list(words[:split])))
    may_be_none = last.optional or values.get("explain")  # then no command is run
    if values[last.name] or not (may_be_none or words[split + 1 :]):
        argument_parser.error(_TOO_MANY if last.optional else _NO_COMMAND)
    values[last.name] = tuple(words[split + 1 :])
    return values
