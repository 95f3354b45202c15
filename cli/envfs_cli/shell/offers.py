"""The words that may stand at a place of a line, by the grammar, for the line editor to offer."""

import grp
import pwd
from typing import NamedTuple

from envfs.errors import EnvFSError
from envfs_cli import level_paths
from envfs_cli.completion.sources import version_offers
from envfs_cli.shell import builtins, habits, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.completion.sources import Sources
    from envfs_cli.grammar import Argument, Command, Option

_VERSIONS = ("version", "first", "second")  # arguments that are versions, or may be
FILES, PROGRAMS = "files", "programs"  # what the editor itself knows how to list


class Offer(NamedTuple):
    """A way to go on: the whole word, and a word about it."""

    text: str
    note: str = ""


class LinePlace:
    """A place in a line: the words before it, what was typed of it so far, and the level the shell is at."""

    def __init__(self, before: "list[str]", typed: str, current: str) -> None:
        """Look at the place after the words `before`."""
        self.before = before[1:] if before[:1] == ["envfs"] else before
        self.typed = typed
        self.current = current


def completion_offers(place: LinePlace, sources: "Sources") -> "list[Offer] | str":
    """Return what may stand there, or FILES or PROGRAMS, for the editor to list."""
    if not place.before:
        return _commands(place.typed)
    command, words = builtins.find_builtin(place.before[0]), place.before[1:]
    if command is None:
        return []
    if "--" in words:
        return PROGRAMS if words[-1] == "--" else FILES
    owner = _option_before(command, words)
    if owner is not None:
        return _for_option(owner, command, words, place, sources)
    if place.typed.startswith("-"):
        return _flags(command, place.typed)
    return _for_argument(command, words, place, sources)


def _commands(typed: str) -> "list[Offer]":
    return _starting(
        typed,
        [Offer(word, command.summary) for command in builtins.TABLE for word in (command.name, *command.synonyms)],
    )


def _flags(command: "Command", typed: str) -> "list[Offer]":
    flags = [Offer(flag, option.help) for option in command.options for flag in option.flags]
    return _starting(typed, [*flags, Offer("--help", "explain the command")])


def _option_before(command: "Command", words: "list[str]") -> "Option | None":
    for option in command.options:
        if option.kind != "flag" and words and words[-1] in option.flags:
            return option
    return None


def _for_option(
    option: "Option", command: "Command", words: "list[str]", place: LinePlace, sources: "Sources"
) -> "list[Offer] | str":
    if option.kind == "file":
        return FILES
    if option.offers == "level":
        return _levels(place, sources)
    level = _level_of(command, words, place, sources)
    if option.offers == "names":
        return _list_of_names(level, place.typed, sources)
    return _starting(place.typed, _values(option, level, sources))


def _values(option: "Option", level: str, sources: "Sources") -> "list[Offer]":
    match option.offers:
        case "user":
            return [Offer(entry.pw_name, entry.pw_gecos) for entry in pwd.getpwall()]
        case "group":
            return [Offer(entry.gr_name) for entry in grp.getgrall()]
        case _ if option.flags[-1] == "--version":
            return [Offer(str(number), note) for number, note in sources.versions(level)]
        case _:
            return [Offer(choice) for choice in option.choices]


def _for_argument(command: "Command", words: "list[str]", place: LinePlace, sources: "Sources") -> "list[Offer] | str":
    fixed = [argument for argument in command.arguments if argument.kind != "words"]
    given = [words[spot] for spot in lines.argument_places(command, words)]
    if command.group == builtins.GROUP and fixed and fixed[0].name in ("path", "paths"):
        return _places(command, place, sources) if fixed[0].kind == "paths" or not given else []
    if len(given) >= len(fixed):
        return [Offer("--", "and then the command")] if len(fixed) < len(command.arguments) else []
    argument = fixed[len(given)]
    if argument.kind in ("file", "folder", "paths"):
        return FILES
    choices = _for_kind(argument, given, place, sources)
    following = fixed[len(given) + 1 :]
    if argument.kind == "level" and following and following[0].kind == "name":
        choices += _names(place.current, place.typed, sources)  # the level may be left out
    next_is_version = bool(following) and following[0].name in _VERSIONS and "@" not in place.typed
    if argument.name in _VERSIONS or next_is_version:
        sign = "@" if place.typed.startswith("@") else ""
        numbers = sources.versions(_level_of(command, words, place, sources))
        choices += _starting(place.typed, [Offer(f"{sign}{number}", note) for number, note in numbers])
    return choices


def _places(command: "Command", place: LinePlace, sources: "Sources") -> "list[Offer]":
    # a level, or a variable behind its level
    if "@" in place.typed and "/" not in place.typed.partition("@")[2]:
        return _levels(place, sources)
    head, slash, tail = place.typed.rpartition("/")
    level = _resolved(place.current, head.partition("@")[0] or "/") if slash else place.current
    names_there = [*sources.names(level)] if level in sources.levels() else []
    if command.name == "cat" and tail.startswith("."):
        names_there += habits.FILES
    return [*_levels(place, sources), *(Offer(f"{head}{slash}{name}") for name in names_there if name.startswith(tail))]


def _level_of(command: "Command", words: "list[str]", place: LinePlace, sources: "Sources") -> str:
    # the level that the line names so far, else the current one
    for spot in lines.argument_places(command, words)[:1]:
        level = _resolved(place.current, words[spot].partition("@")[0] or ".")
        if level in sources.levels():
            return level
    return place.current


def _list_of_names(level: str, typed: str, sources: "Sources") -> "list[Offer]":
    # of A,B the last one goes on
    head, comma, tail = typed.rpartition(",")
    return [Offer(f"{head}{comma}{offer.text}") for offer in _names(level, tail, sources)]


def _for_kind(argument: "Argument", given: "list[str]", place: LinePlace, sources: "Sources") -> "list[Offer]":
    match argument.kind:
        case "level" | "place":
            return _levels(place, sources)
        case "project":
            return _starting(place.typed, [Offer(name, "project") for name in sources.projects()])
        case "name":
            return _names(_resolved(place.current, given[-1]), place.typed, sources)
        case "command":
            return _commands(place.typed)
        case _:
            return _starting(place.typed, [Offer(choice) for choice in argument.choices])


def _levels(place: LinePlace, sources: "Sources") -> "list[Offer]":
    try:
        if "@" in place.typed:
            return _versions(place, sources)
        return [Offer(text, "level") for text in level_paths.levels_below(sources.levels(), place.current, place.typed)]
    except EnvFSError:
        return []


def _versions(place: LinePlace, sources: "Sources") -> "list[Offer]":
    text = place.typed.partition("@")[0]
    level = level_paths.resolve_level(place.current, text) if text else place.current
    versions = sources.versions(level) if level in sources.levels() else ()
    return [Offer(*offer) for offer in version_offers(place.typed, versions)]


def _names(level: str, typed: str, sources: "Sources") -> "list[Offer]":
    # a level that is not there is not asked about: the refusal would be logged
    if level not in sources.levels():
        return []
    return _starting(typed, [Offer(name) for name in sources.names(level)])


def _resolved(current: str, text: str) -> str:
    try:
        return level_paths.resolve_level(current, text)
    except EnvFSError:
        return ""


def _starting(typed: str, found: "list[Offer]") -> "list[Offer]":
    return [offer for offer in found if offer.text.startswith(typed)]
