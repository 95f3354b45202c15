"""The script for bash 4 and later. It works with and without the bash-completion package."""

from envfs_cli.completion import VISIBLE, argument_choices, argument_kind, command_flags, command_words, filled_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar import Command

_OFFERS = {
    "level": "_envfs_levels",
    "names": '_envfs_listed "${given[@]}"',
    "user": "_envfs_accounts -u",
    "group": "_envfs_accounts -g",
}


def bash_script() -> str:
    """Return the script."""
    names = " ".join(word for command in VISIBLE for word in command_words(command))
    return filled_script(
        "envfs.bash",
        words=[f'        _envfs_words "{names} --help --version"'],
        tables=[line for command in VISIBLE for line in _tables(command)],
        choices=[line for command in VISIBLE for line in _choices(command)],
    )


def _tables(command: "Command") -> list[str]:
    files = " ".join(flag for option in command.options if option.kind == "file" for flag in option.flags)
    kinds = " ".join(f'"{_wanted(command, place)}"' for place in range(len(command.arguments)))
    return [
        f"    {' | '.join(command_words(command))})",
        f'        flags="{" ".join((*command_flags(command), "--help"))}"',
        f'        valued="{" ".join(command_flags(command, valued=True))}"',
        f'        files="{files}"',
        f"        wanted=({kinds})",
        "        ;;",
    ]


def _wanted(command: "Command", place: int) -> str:
    choices = argument_choices(command.arguments[place])
    return f"one of {' '.join(choices)}" if choices else argument_kind(command, place)


def _choices(command: "Command") -> list[str]:
    cases = []
    for option in command.options:
        action = f'_envfs_words "{" ".join(option.choices)}"' if option.choices else _OFFERS.get(option.offers)
        if action:
            places = " | ".join(f'"{word} {flag}"' for word in command_words(command) for flag in option.flags)
            cases.append(f"        {places}) {action} ;;")
    return cases
