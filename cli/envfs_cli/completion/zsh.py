"""The script for zsh."""

from envfs_cli.completion import VISIBLE, argument_choices, argument_kind, command_words, filled_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar import Argument, Command, Option

_ACTIONS = {
    "level": "_envfs_levels",
    "here": "_envfs_here",
    "folder": "_envfs_folders",
    "project": "_envfs_projects",
    "name": "_envfs_names",
    "file": "_files",
}
_OFFERS = {"level": "_envfs_levels", "names": "_envfs_listed", "user": "_users", "group": "_groups"}


def zsh_script() -> str:
    """Return the script."""
    return filled_script(
        "envfs.zsh",
        commands=[
            f"      {_quoted(f'{word}:{command.summary}')}" for command in VISIBLE for word in command_words(command)
        ],
        cases=[_case(command) for command in VISIBLE],
    )


def _case(command: "Command") -> str:
    specs = [spec for option in command.options for spec in _option(option)]
    specs += ["'(- *)--help[explain the command]'"]
    for place, argument in enumerate(command.arguments):
        specs += _argument(place + 1, argument, argument_kind(command, place))
    joined = " \\\n      ".join(specs)
    return f"  {'|'.join(command_words(command))})\n    _arguments \\\n      {joined}\n    ;;"


def _option(option: "Option") -> list[str]:
    value = ""
    if option.kind != "flag":
        named = f"({' '.join(option.choices)})" if option.choices else _OFFERS.get(option.offers, " ")
        action = "_files" if option.kind == "file" else named
        value = f":{option.metavar}:{action}"
    others = f"({' '.join(option.flags)})" if len(option.flags) > 1 else ""
    text = option.help.replace("[", "\\[").replace("]", "\\]")
    return [_quoted(f"{others}{flag}[{text}]{value}") for flag in option.flags]


def _argument(place: int, argument: "Argument", kind: str) -> list[str]:
    if argument.kind == "words":
        return ["'*::: :_envfs_program'"]
    if argument.kind == "paths":
        return [f"'*:{argument.name}:_files'"]
    choices = argument_choices(argument)
    action = f"({' '.join(choices)})" if choices else _ACTIONS.get(kind, " ")
    return [_quoted(f"{place}:{':' if argument.optional or argument.linked else ''}{argument.name}:{action}")]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
