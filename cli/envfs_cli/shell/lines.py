"""From a line of text to a command and its values.

Laws:
- A level is written relative to the current one. Left out where the grammar needs it, the current one is meant.
- What does not parse, names included, is refused here, before anything is asked or remembered: it may be a value that
  was pasted. So no message quotes the line.
"""

import difflib
import shlex

from envfs.core import names
from envfs_cli import arguments, level_paths
from envfs_cli.arguments import Mistake
from envfs_cli.level_versions import names_version
from envfs_cli.shell import builtins, remembering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

    Exists = Callable[[str], bool]

_OPERATORS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "<<<", "2>", "2>&1", "&>"}


def split_line(text: str) -> list[str]:
    """Return the words of a line. A line that starts with # has none, and `envfs` before a command is dropped.

    Raises:
        Mistake: a quote is not closed, or there is more than one line
    """
    if "\n" in text.strip():
        raise Mistake("that is more than one line", "give one command at a time")
    if text.lstrip().startswith("#"):
        return []
    try:
        words = shlex.split(text)
    except ValueError:
        raise Mistake("a quote is not closed") from None
    words = words[1:] if words[:1] == ["envfs"] and len(words) > 1 else words
    if any(word in _OPERATORS or word.startswith("<<") for word in words[: _end_of_own(words)]):
        raise Mistake(
            "pipes and redirections are for the system's shell, and mean nothing here",
            "`export --output FILE` writes a file, and `exec -- sh -c '…'` runs a line of that shell",
        )
    return words


def _end_of_own(words: list[str]) -> int:
    return words.index("--") if "--" in words else len(words)


def named_command(word: str) -> "Command":
    """Return the command that a word names.

    Raises:
        Mistake: there is none
    """
    command = builtins.find_builtin(word)
    if command is None and "=" in word:
        raise Mistake("a value is never typed at the prompt", "`set NAME` asks for it without showing it")
    if command is None:
        near = difflib.get_close_matches(word, [other.name for other in builtins.TABLE], 1)
        raise Mistake("there is no such command", f"did you mean `{near[0]}`?" if near else "`help` lists the commands")
    return command


def line_values(command: "Command", words: list[str], current: str, exists: "Exists") -> "Values":
    """Return the values of a command at the level `current`. Exits, as argparse does, on help and mistakes.

    Raises:
        EnvFSError: a level or a name is none, or a level may be a name by mistake
    """
    values = arguments.read_values(command, words_in_place(command, words, current, exists))
    for name in remembering.named_variables(command, values):
        names.parse_variable(name)
    return values


def words_in_place(command: "Command", words: list[str], current: str, exists: "Exists") -> list[str]:
    """Return the words with the level in its place and in its one spelling.

    Raises:
        Mistake: the first of two words of `set` is no level, so the second may be a value
    """
    fixed = [argument for argument in command.arguments if argument.kind != "words"]
    at = next((index for index, argument in enumerate(fixed) if argument.kind == "level"), None)
    if at is None:
        return _words_of_generate(words, current) if command.name == "generate" else words
    spots = argument_places(command, words)
    if command.name == "diff":
        return _words_of_diff(words, spots, current)
    if command.name == "rollback":
        return _words_of_rollback(words, spots, current)
    if len(spots) == len(fixed) - 1:
        place = spots[at - 1] + 1 if at else 0
        return [*words[:place], current, *words[place:]]
    if len(spots) < len(fixed):
        return words
    level = level_paths.resolve_dated_level(current, words[spots[at]])
    if command.name == "set" and "/" not in words[spots[at]] and not exists(level):
        # `set API_KEY secret` would read as the level API_KEY and the name secret, and both would be stored unencrypted
        raise Mistake(
            "the first of two words is not a level that is there",
            "a value is never an argument, it is asked for; write ./ before a level to make it",
        )
    return [*words[: spots[at]], level, *words[spots[at] + 1 :]]


def _words_of_diff(words: list[str], spots: list[int], current: str) -> list[str]:
    # each of its words is a level or a version, and the first level may be left out
    placed = list(words)
    for spot in spots:
        if not names_version(words[spot]):
            placed[spot] = level_paths.resolve_dated_level(current, words[spot])
    return [current, *placed] if not spots or names_version(words[spots[0]]) else placed


def _words_of_generate(words: list[str], current: str) -> list[str]:
    # its level stands behind an option
    level = next((number for number, word in enumerate(words) if word == "--set" or word.startswith("--set=")), None)
    if level is None:
        return words
    if words[level] != "--set":
        return [*words[:level], f"--set={level_paths.resolve_level(current, words[level][6:])}", *words[level + 1 :]]
    resolved = [level_paths.resolve_level(current, word) for word in words[level + 1 : level + 2]]
    return [*words[: level + 1], *resolved, *words[level + 2 :]]


def _words_of_rollback(words: list[str], spots: list[int], current: str) -> list[str]:
    # the level may be left out before its version
    if not spots or names_version(words[spots[0]]):
        return [current, *words]
    placed = list(words)
    placed[spots[0]] = level_paths.resolve_dated_level(current, words[spots[0]])
    return placed


def argument_places(command: "Command", words: list[str]) -> list[int]:
    """Return where in `words` those stand that are neither options nor theirs, up to `--`."""
    spots: list[int] = []
    index = 0
    while index < len(words) and words[index] != "--":
        if takes_value(command, words[index]):
            index += 1
        elif not words[index].startswith("-") or words[index] == "-":
            spots.append(index)
        index += 1
    return spots


def takes_value(command: "Command", word: str) -> bool:
    """Tell whether a word is an option, abbreviated perhaps, whose value is the next word."""
    return any(
        flag == word or (word.startswith("--") and len(word) > len("--") and flag.startswith(word))
        for option in command.options
        if option.kind != "flag"
        for flag in option.flags
    )
