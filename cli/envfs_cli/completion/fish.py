"""The script for fish."""

from envfs_cli.completion import VISIBLE, flags, wanted, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar import Argument, Command, Option

_HEAD = """\
# fish completion for envfs, made by `envfs completion fish`

function __envfs_valued --description 'the options of a command that take a value'
    switch $argv[1]
"""
_FUNCTIONS = """\
    end
end

function __envfs_given --description 'the words after the command that are neither options nor theirs'
    set -l words (commandline -opc)
    set -l valued (__envfs_valued $words[2])
    set -l skip 0
    for word in $words[3..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word $valued
            set skip 1
        else if not string match -q -- '-?*' $word
            echo $word
        end
    end
end

function __envfs_at --description 'COMMAND N: is the N-th argument of this command wanted?'
    set -l words (commandline -opc)
    test (count $words) -ge 2; or return 1
    contains -- -- $words; and return 1
    contains -- $words[-1] (__envfs_valued $words[2]); and return 1
    test "$words[2]" = $argv[1]; and test (count (__envfs_given)) -eq $argv[2]
end

function __envfs_in --description 'COMMAND: is this the command, before any --?'
    set -l words (commandline -opc)
    contains -- -- $words; and return 1
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]
end

function __envfs_program --description 'complete the command behind --'
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words); or return
    set -l rest $words[(math $at + 1)..-1] (commandline -ct)
    test (count $words) -eq $at; and set rest (commandline -ct)
    complete -C (string join ' ' -- $rest)
end

function __envfs_levels
    envfs __complete level (commandline -ct) 2>/dev/null
end

function __envfs_here
    envfs __complete here (commandline -ct) 2>/dev/null
end

function __envfs_projects
    envfs __complete project (commandline -ct) 2>/dev/null
end

function __envfs_names
    envfs __complete name (__envfs_given)[1] 2>/dev/null
end

complete -c envfs -f
complete -c envfs -n __fish_use_subcommand -l help -d 'list the commands'
complete -c envfs -n __fish_use_subcommand -l version -d 'print the version'
complete -c envfs -n 'contains -- -- (commandline -opc)' -a '(__envfs_program)'
"""
_ACTIONS = {
    "level": "-a '(__envfs_levels)'",
    "here": "-a '(__envfs_here)'",
    "folder": "-F -a '(__envfs_levels)'",
    "project": "-a '(__envfs_projects)'",
    "name": "-a '(__envfs_names)'",
    "file": "-F",
    "words": "-a --",
}


def script() -> str:
    """Return the script."""
    valued = [
        f"        case {' '.join(words(command))}\n            printf '%s\\n' {' '.join(flags(command, valued=True))}\n"
        for command in VISIBLE
        if flags(command, valued=True)
    ]
    lines = [line for command in VISIBLE for word in words(command) for line in _command(command, word)]
    return _HEAD + "".join(valued) + _FUNCTIONS + "\n".join(lines)


def _command(command: "Command", word: str) -> list[str]:
    found = [f"complete -c envfs -n __fish_use_subcommand -a {word} -d {_quoted(command.summary)}"]
    found += [_option(word, option) for option in command.options]
    found += [f"complete -c envfs -n '__envfs_in {word}' -l help -d 'explain the command'"]
    for place, argument in enumerate(command.arguments):
        action = _action(argument, wanted(command, place))
        if action:
            found.append(f"complete -c envfs -n '__envfs_at {word} {place}' {action}")
    return found


def _action(argument: "Argument", kind: str) -> str:
    return f"-a {_quoted(' '.join(argument.choices))}" if argument.choices else _ACTIONS.get(kind, "")


def _option(word: str, option: "Option") -> str:
    parts = [f"complete -c envfs -n '__envfs_in {word}'"]
    parts += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
    if option.kind == "file":
        parts.append("-r -F")
    elif option.kind != "flag":
        parts.append(f"-x -a {_quoted(' '.join(option.choices))}" if option.choices else "-x")
    return " ".join([*parts, f"-d {_quoted(option.help)}"])


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
