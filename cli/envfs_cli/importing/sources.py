"""The variables of a file for import: each with its line of dotenv text, and with remarks about it.

Law: a value of JSON, YAML or a compose file is written so that no `$` in it begins a reference, unless compose would
take it for one.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from envfs.core import names
from envfs.dotenv import references as templates
from envfs.dotenv import writing
from envfs.dotenv.document import parse_document
from envfs.dotenv.scanner import Entry, check_value
from envfs.errors import BadName, BadRequest, EnvFSError, Malformed, NoSuchVariable, TooLarge
from envfs_cli.importing import trees
from envfs_cli.importing.trees import Items, Leaf, NamedItems, Node, Scalar, ScalarKind

TWICE = "set more than once; the last one counts"
_NULL = "null; it becomes empty"
_LIST = "a list; it becomes its JSON text"
_FROM_HOST = "has no value in the file, which leaves it to the host's environment: left out"
_NO_NAME_OF_OURS = "no environment that EnvFS writes can have such a name: left out"
_REWRITTEN = "not in quotes, so docker compose may hand on another spelling of it: imported as it stands"
_DOLLARS = re.compile(r"\$\$|\$")


class FileVariable(NamedTuple):
    """One variable of a file: its line of dotenv text, remarks, and why it cannot be taken, if so."""

    name: str
    line: str
    remarks: tuple[str, ...] = ()
    problem: EnvFSError | None = None

    def __repr__(self) -> str:
        """Show the name and the remarks, and not the line."""
        return f"FileVariable({self.name!r}, {self.remarks!r})"


class FileSource(NamedTuple):
    """The variables of a file, and remarks about the whole of it."""

    variables: tuple[FileVariable, ...]
    text: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show how many variables, and none."""
        return f"Source({len(self.variables)} variables)"

    def check(self) -> None:
        """Refuse a file with something in it that cannot be taken.

        Raises:
            EnvFSError: for the first such thing
        """
        for variable in self.variables:
            if variable.problem is not None:
                raise variable.problem

    def remarks(self) -> tuple[str, ...]:
        """Return all that is to be said, in sentences."""
        return (*self.notes, *(f"{variable.name}: {text}" for variable in self.variables for text in variable.remarks))


def of_text(text: str, beside: Collection[str] = ()) -> FileSource:
    """Read dotenv text. It is imported to the letter. `beside` are names that other files of its family set.

    Raises:
        Malformed: a NUL, half a surrogate pair, or a quote that does not end
        TooLarge: the text, a name or a value is over its limit
    """
    document = parse_document(text)
    twice, set_names = set(document.duplicates()), {*document.variables(), *beside}
    variables = []
    for entry in document.entries:
        if entry.name is not None or entry.problem is not None:
            variables.append(_of_entry(entry, twice, set_names))
            twice.discard(entry.name or "")
    seen = {variable.name: variable for variable in reversed(variables)}
    return FileSource(tuple(reversed(seen.values())), text)


def of_tree(tree: Node, separator: str | None) -> FileSource:
    """Take the variables of a JSON or YAML file, with tables inside it flattened if there is a separator.

    Raises:
        Malformed, TooLarge: as `trees.tree_leaves`
    """
    return _source(_of_leaf(leaf, place) for place, leaf in enumerate(trees.tree_leaves(tree, separator)))


def is_compose(tree: Node) -> bool:
    """Tell whether a YAML file looks like one of docker compose."""
    return isinstance(tree, NamedItems) and isinstance(tree.get("services"), NamedItems)


def of_compose(tree: Node, service: str | None) -> FileSource:
    """Take the environment of one service of a compose file.

    `$$` is a dollar. `${NAME}` stays a reference, which the level, and not the host, has to answer.

    Raises:
        BadRequest: a service has to be named
        NoSuchVariable: there is no such service, or it has no environment
        Malformed: it is no mapping and no list of NAME=value
    """
    name, table = _service(tree, service)
    environment = table.get("environment")
    if environment is None:
        raise NoSuchVariable(f"the service {name} has no environment", "`env_file` is imported by itself")
    notes = (f"the service {name} has an env_file too, which is not read",) if table.get("env_file") else ()
    values = [*_environment(environment)]
    counts = Counter(key for key, _ in values)
    last = enumerate(dict(values).items())
    odd = _odd(environment)
    variables = (_of_compose_value(*pair, place, counts, twice=counts[pair[0]] > 1) for place, pair in last)
    source = _source(
        (
            _with_remark(variable, _REWRITTEN) if variable.name in odd and variable.line else variable
            for variable in variables
        ),
        notes,
    )
    # comments, so that the level is created though there may be nothing else in it
    left = (
        f"# {variable.name}: from a level above, or from the environment\n"
        for variable in source.variables
        if _FROM_HOST in variable.remarks
    )
    return source._replace(text=source.text + "".join(left))


def _source(variables: Iterable[FileVariable], notes: tuple[str, ...] = ()) -> FileSource:
    # a name that cannot be is left out, and named. A file of nothing else is refused for the first
    all_variables = tuple(variables)
    if any(variable.line or _FROM_HOST in variable.remarks for variable in all_variables):
        all_variables = tuple(
            variable._replace(problem=None) if _is_left_out(variable) else variable for variable in all_variables
        )
    else:
        all_variables = tuple(
            variable._replace(remarks=()) if _is_left_out(variable) else variable for variable in all_variables
        )
    return FileSource(all_variables, "".join(variable.line for variable in all_variables), notes)


def _is_left_out(variable: FileVariable) -> bool:
    return _NO_NAME_OF_OURS in variable.remarks


# -- dotenv ------------------------------------------------------------------------------------------------------------


def referenced_names(entry: Entry) -> tuple[str, ...]:
    """List the names that a value refers to, each once."""
    return tuple(
        dict.fromkeys(reference.name for reference in templates.nested_references(templates.cut_pieces(entry)))
    )


def _of_entry(entry: Entry, twice: set[str], set_names: Collection[str]) -> FileVariable:
    fault = entry.fault
    problem = Malformed(fault.text, fault.hint, fault.line, fault.column) if fault else None
    name = f"line {entry.line}" if entry.name is None else entry.name
    return FileVariable(name, entry.raw, _remarks(entry, set_names, twice=name in twice), problem)


def _remarks(entry: Entry, set_names: Collection[str], *, twice: bool) -> tuple[str, ...]:
    # what is set nowhere here may be a part of a value that was never meant as a reference
    refers = (
        name if name in set_names else f"a name at character {place.character}, which is not set there"
        for name, place in templates.reference_places(entry).items()
    )
    return (*((TWICE,) if twice else ()), *(f"refers to {target}" for target in refers))


# -- JSON and YAML -----------------------------------------------------------------------------------------------------


def _of_leaf(leaf: Leaf, place: int) -> FileVariable:
    remarks = (TWICE,) if leaf.repeated else ()
    if isinstance(leaf.node, Items):
        return _literal(leaf.name, trees.json_text(leaf.node), place, (*remarks, _LIST))
    empty = (_NULL,) if leaf.node.kind is ScalarKind.NULL else ()
    return _literal(leaf.name, leaf.node.text, place, (*remarks, *empty))


def _literal(name: str, value: str, place: int, remarks: tuple[str, ...]) -> FileVariable:
    problem = _problem(name, value, place)
    if isinstance(problem, BadName):
        return FileVariable(trees.printable_key(name, place), "", (_NO_NAME_OF_OURS,), problem)
    line = "" if problem else writing.assignment_line(name, value)
    return FileVariable(trees.printable_key(name, place), line, remarks, problem)


def _problem(name: str, value: str, place: int) -> EnvFSError | None:
    label = trees.printable_key(name, place)
    try:
        names.parse_variable(name)
    except (BadName, TooLarge) as error:
        return type(error)(f"{label}: {error.text}", error.hint)
    try:
        check_value(value)
    except (Malformed, TooLarge) as error:
        return type(error)(f"{label}: {error.text}", error.hint)
    return None


# -- compose -----------------------------------------------------------------------------------------------------------


def _service(tree: Node, wanted: str | None) -> tuple[str, NamedItems]:
    services = tree.get("services") if isinstance(tree, NamedItems) else None
    if not isinstance(services, NamedItems) or not services.pairs:
        raise Malformed("the file has no services", "a compose file has `services:`; -f yaml reads a plain mapping")
    by_name = dict(services.pairs)
    listed = ", ".join(trees.printable_key(name, place) for place, name in enumerate(by_name))
    if wanted is None and len(by_name) > 1:
        raise BadRequest("the file has several services", f"choose one with --service: {listed}")
    name = next(iter(by_name)) if wanted is None else wanted
    table = by_name.get(name)
    if not isinstance(table, NamedItems):
        raise NoSuchVariable("the file has no such service", f"it has {listed}")
    return trees.printable_key(name, 0), table


def _environment(node: Node) -> Iterable[tuple[str, str | None]]:
    match node:
        case NamedItems():
            for place, (name, inner) in enumerate(node.pairs):
                if not isinstance(inner, Scalar):
                    raise Malformed(
                        f"{trees.printable_key(name, place)} is no text", "an environment has no lists and objects"
                    )
                yield name, None if inner.kind is ScalarKind.NULL else inner.text
        case Items():
            for place, item in enumerate(node.items):
                if not isinstance(item, Scalar):
                    raise Malformed(f"entry {place + 1} of the environment is no text", "an entry is NAME=value")
                name, equals, value = item.text.partition("=")
                yield name, value if equals else None
        case Scalar(kind=ScalarKind.NULL):
            return
        case _:
            raise Malformed("the environment is neither a mapping nor a list", "write NAME: value, or - NAME=value")


def _odd(node: Node) -> set[str]:
    """List names of numbers and truth values that compose writes in its own way: `0123` is `83`, `1.10` is `1.1`."""
    pairs = dict(node.pairs).items() if isinstance(node, NamedItems) else ()
    return {name for name, inner in pairs if isinstance(inner, Scalar) and inner.is_odd}


def _with_remark(variable: FileVariable, remark: str) -> FileVariable:
    return variable._replace(remarks=(*variable.remarks, remark))


def _of_compose_value(
    name: str, written: str | None, place: int, set_names: Collection[str], *, twice: bool
) -> FileVariable:
    label = trees.printable_key(name, place)
    if written is None:
        return FileVariable(label, "", (_FROM_HOST,))
    value, literal = _dollars(written)
    problem = _problem(name, value, place)
    if isinstance(problem, BadName):
        return FileVariable(label, "", (_NO_NAME_OF_OURS,), problem)
    if problem is not None:
        return FileVariable(trees.printable_key(name, place), "", (), problem)
    line = f"{name}={writing.template_value(value, literal)}\n"
    entry = parse_document(line).entries[0]
    remarks = _remarks(entry, set_names, twice=twice)
    return FileVariable(name, line if referenced_names(entry) else writing.assignment_line(name, value), remarks)


def _dollars(written: str) -> tuple[str, tuple[int, ...]]:
    """Return a value with `$$` made `$`, and where those stand."""
    pieces, literal, size, last = [], [], 0, 0
    for match in _DOLLARS.finditer(written):
        pieces.append(written[last : match.start()] + "$")
        size += match.start() - last + 1
        last = match.end()
        if len(match[0]) > 1:
            literal.append(size - 1)
    return "".join([*pieces, written[last:]]), tuple(literal)
