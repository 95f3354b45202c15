"""The script for fish."""

from envfs_cli.completion import VISIBLE, argument_choices, argument_kind, command_flags, command_words, filled_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar import Argument, Command, Option

_ACTIONS = {
    "level": "-k -a '(__envfs_levels)'",
    "here": "-k -a '(__envfs_here)'",
    "folder": "-k -F -a '(__envfs_levels)'",
    "project": "-k -a '(__envfs_projects)'",
    "name": "-k -a '(__envfs_names)'",
    "file": "-F",
    "words": "-a --",
}
_OFFERS = {
    "level": "'(__envfs_levels)' -k",
    "names": "'(__envfs_listed)'",
    "user": "'(__fish_complete_users)'",
    "group": "'(__fish_complete_groups)'",
}


def fish_script() -> str:
    """Return the script."""
    return filled_script(
        "envfs.fish",
        valued=[
            f"        case {' '.join(command_words(command))}\n"
            f"            printf '%s\\n' {' '.join(command_flags(command, valued=True))}"
            for command in VISIBLE
            if command_flags(command, valued=True)
        ],
        completions=[
            line for command in VISIBLE for word in command_words(command) for line in _command(command, word)
        ],
    )


def _command(command: "Command", word: str) -> list[str]:
    lines = [f"complete -c envfs -n __fish_use_subcommand -a {word} -d {_quoted(command.summary)}"]
    lines += [_option(word, option) for option in command.options]
    lines += [f"complete -c envfs -n '__envfs_in {word}' -l help -d 'explain the command'"]
    for place, argument in enumerate(command.arguments):
        action = _action(argument, argument_kind(command, place))
        if action:
            lines.append(f"complete -c envfs -n '__envfs_at {word} {place}' {action}")
    return lines


def _action(argument: "Argument", kind: str) -> str:
    choices = argument_choices(argument)
    return f"-a {_quoted(' '.join(choices))}" if choices else _ACTIONS.get(kind, "")


def _option(word: str, option: "Option") -> str:
    parts = [f"complete -c envfs -n '__envfs_in {word}'"]
    parts += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
    if option.kind == "file":
        parts.append("-r -F")
    elif option.kind != "flag":
        offers = _quoted(" ".join(option.choices)) if option.choices else _OFFERS.get(option.offers)
        parts.append(f"-x -a {offers}" if offers else "-x")
    return " ".join([*parts, f"-d {_quoted(option.help)}"])


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
