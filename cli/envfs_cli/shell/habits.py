"""The habits of other shells become lines of the grammar: `rm A` is `unset`, `mv A B` is `rename`.

Laws:
- A word is a level if one is there or a slash ends it, and else a variable of the level before it, if it can be one.
- Nothing is done here. Each line that comes out is one that a person could have typed, with its level in full.
"""

from envfs.core import names
from envfs.errors import BadName
from envfs.tuples import NamedTuple
from envfs_cli import arguments, level_paths
from envfs_cli.arguments import Mistake
from envfs_cli.shell import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

    Exists = Callable[[str], bool]

FILES = {  # of a level, as in the mount
    ".env": (),
    ".env.example": ("--format", "example"),
    ".env.json": ("--format", "json"),
    ".environ": ("--format", "environ"),
}
_DOTS = (".", "..")
_FORM = "as in `{0} API_KEY ../prod`"


class TypedPlace(NamedTuple):
    """The meaning of a word: a level, perhaps LEVEL@VERSION, and a variable there or (empty) the level itself."""

    level: str
    name: str


class Line(NamedTuple):
    """A line of the grammar: its command and the words behind it."""

    command: str
    words: "tuple[str, ...]"


def find_place(word: str, current: str, exists: "Exists") -> TypedPlace:
    """Return the meaning of a word at the level `current`.

    Raises:
        BadName: it can be neither a level nor a variable
    """
    head, slash, tail = word.rpartition("/")
    if not tail or tail in _DOTS or "@" in tail:
        return TypedPlace(level_paths.resolve_dated_level(current, word), "")
    above = level_paths.resolve_dated_level(current, head or "/") if slash else current
    if names.is_variable(tail) and ("@" in head or not _is_level(word, current, exists)):
        return TypedPlace(above, tail)
    return TypedPlace(level_paths.resolve_level(current, word), "")


def _is_level(word: str, current: str, exists: "Exists") -> bool:
    try:
        return exists(level_paths.resolve_level(current, word))
    except BadName:
        return False


def lines_for(command: "Command", values: "Values", current: str, exists: "Exists") -> "list[Line]":
    """Return the lines of the grammar that a line of `cat`, `rm`, `mv`, `cp` or `edit` stands for.

    Raises:
        Mistake: the words do not go together
        BadName: a word is neither a level nor a variable
    """
    if command.name == "edit":
        place = find_place(str(values["path"] or "."), current, exists)
        return [_line("edit", values, place.level, *((place.name,) if place.name else ()))]
    paths = values["paths"]
    words = paths if isinstance(paths, tuple) else ()
    match command.name:
        case "cat":
            return [_line_of_cat(word, values, current, exists) for word in _some(words, "cat API_KEY")]
        case "rm":
            places = [find_place(word, current, exists) for word in _some(words, "rm API_KEY")]
            return [
                _line("unset", values, *place) if place.name else _line("rm", values, place.level) for place in places
            ]
        case _:
            return _lines_to(command.name, values, words, current, exists)


def _some(words: "tuple[str, ...]", example: str) -> "tuple[str, ...]":
    if not words:
        raise Mistake("there is nothing named", f"as in `{example}`")
    return words


def _line(name: str, values: "Values", *words: str) -> Line:
    # with the options that the other command knows as well
    options: list[str] = []
    for option in builtins.grammar_command(name).options:
        value, flag = values.get(arguments.value_key(option)), option.flags[-1]
        match value:
            case None | False | ():
                continue
            case True:
                options.append(flag)
            case tuple():
                options += [flag, ",".join(value)]
            case _:
                options += [flag, str(value)]
    return Line(name, (*words, *options))


def _line_of_cat(word: str, values: "Values", current: str, exists: "Exists") -> Line:
    head, slash, tail = word.rpartition("/")
    if tail in FILES:
        level = level_paths.resolve_dated_level(current, head or "/") if slash else current
        line = _line("export", values, level)
        return line._replace(words=(*line.words, *FILES[tail]))
    if head == ".vars" or head.endswith("/.vars"):
        word = f"{head.removesuffix('.vars')}{tail}"
    place = find_place(word, current, exists)
    if not place.name:
        shown = word.rstrip("/")
        raise Mistake("that is a level", f"`ls {shown}` lists its variables, `cat {shown}/.env` prints their values")
    return _line("get", values, *place)


# -- from one place to another -----------------------------------------------------------------------------------------


def _lines_to(name: str, values: "Values", words: "tuple[str, ...]", current: str, exists: "Exists") -> "list[Line]":
    if len(words) < len(("source", "target")):
        raise Mistake("name what, and where to", _FORM.format(name))
    sources = [find_place(word, current, exists) for word in words[:-1]]
    target = find_place(words[-1], current, exists)
    if values.get("only") or not any(place.name for place in sources):
        return [_line_of_level(name, values, sources, words[-1], (current, exists))]
    if not all(place.name for place in sources):
        raise Mistake("levels and variables do not go together", "move or copy them one after the other")
    if values.get("version") is not None:
        raise Mistake("--version is for a level", f"`{name} LEVEL@N/API_KEY .` is for a variable")
    if target.name:
        return [_line_of_one(name, values, sources, target)]
    by_level: dict[str, list[str]] = {}
    for place in sources:
        by_level.setdefault(place.level, []).append(place.name)
    if target.level in by_level:
        raise Mistake("the variable is at that level already", _FORM.format(name))
    return [_line(name, {**values, "only": tuple(several)}, level, target.level) for level, several in by_level.items()]


def _line_of_level(
    name: str, values: "Values", sources: "list[TypedPlace]", target: str, here: "tuple[str, Exists]"
) -> Line:
    current, exists = here
    if len(sources) > 1 or sources[0].name:
        raise Mistake("one level is moved or copied at a time", f"`{name} LEVEL LEVEL`, with --only A,B for variables")
    source, goal = sources[0].level, level_paths.resolve_level(current, target)
    if name == "mv" and not values.get("only") and target.endswith("/") and exists(goal):
        goal = names.child(goal, source.rpartition("/")[2])  # into it, as of a folder
    return _line(name, values, source, goal)


def _line_of_one(name: str, values: "Values", sources: "list[TypedPlace]", target: TypedPlace) -> Line:
    if len(sources) > 1:
        raise Mistake("several variables go to a level that is there", "a slash behind its name makes a new one")
    (source,) = sources
    if source.level == target.level:
        if name == "mv":
            return _line("rename", values, source.level, source.name, target.name)
        raise Mistake("a copy has the name of its original", "`set NAME --template` with ${OTHER} follows a variable")
    if source.name != target.name:
        raise Mistake("at another level it keeps its name", "`mv` gives it a new one there")
    return _line(name, {**values, "only": (source.name,)}, source.level, target.level)
