"""`explain`: where a variable's value comes from, or which rule answers a caller.

Law: the value itself is printed only with --reveal.
"""

from envfs.core import names
from envfs.errors import NoSuchVariable
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.callers import Named, named_callers
from envfs_cli.daemon import session
from envfs_cli.folder_links import state
from envfs_cli.level_versions import DatedLevel, check_newest, dated_level
from envfs_cli.replies import access, masked
from envfs_cli.replies.facts import fact_lines, is_of_variable, view_facts


class ExplainArguments(NamedTuple):
    """The arguments of `explain`."""

    level: str
    name: str | None
    reveal: bool
    version: int | None
    pid: int | None
    uid: int | None
    user: str | None
    gid: int | None
    group: str | None
    exe: str | None
    script: str | None
    under: str | None
    cgroup: str | None
    unit: str | None
    can: str | None
    passphrase_file: str | None
    json: bool


def run_explain(arguments: ExplainArguments) -> int:
    """Say which levels set a variable, which wins, and what it refers to. Or which rule answers a caller.

    Raises:
        NoSuchVariable: no level sets it
    """
    callers = named_callers(arguments, pinned=False)
    if arguments.pid is not None or not callers.is_anybody:
        return _explain_access(arguments, callers)
    level, word = (arguments.level, arguments.name) if arguments.name else _linked(arguments.level)
    name, dated = names.parse_variable(word), dated_level(level, arguments.version)
    level = dated.level
    asking = session.start_session(arguments.passphrase_file)
    rows, dangling, _ = view_facts(asking, dated)
    facts = next((row for row in rows if row.name == name), None)
    if facts is None:
        raise NoSuchVariable(f"{level} has no variable of that name", f"`envfs show {level}` lists them")
    value = _value(asking, dated, name) if arguments.reveal else None
    chains = [row for row in dangling if is_of_variable(row, name)]
    if arguments.json:
        output.as_json(_members(facts, chains, value))
    else:
        _print(facts, level, chains, value)
    return 0


def _explain_access(arguments: ExplainArguments, callers: Named) -> int:
    if arguments.name or arguments.reveal or arguments.version is not None:
        raise Mistake("a variable and a caller cannot both be explained", "leave one of them out")
    check_newest(dated_level(arguments.level), "a rule is of now, and has no versions")
    if arguments.pid is not None and not callers.is_anybody:
        raise Mistake("a process that runs says itself what it is", "leave out --pid, or the other options")
    asking = session.start_session(arguments.passphrase_file)
    capability = arguments.can or "read"
    return access.explain_access(
        asking, arguments.level, callers, pid=arguments.pid or 0, capability=capability, as_json=arguments.json
    )


def _linked(word: str) -> "tuple[str, str]":
    # one word alone is the variable's name, in a folder that is linked to a level
    if "/" in word:
        raise Mistake("say what to explain", "name a variable, or a caller with --pid, --user and the like")
    return state.linked_level(), word


def _value(asking: session.Session, dated: DatedLevel, name: str) -> str:
    level, version, moment = dated
    reply, blob = asking.ask(control.ReadView(level, "value", "show", (name,), version, moment=moment))
    masked.note_if_masked(reply)
    return blob.decode()


def _members(facts: control.FactsRow, chains: "list[control.DanglingRow]", value: "str | None") -> "dict[str, object]":
    return {
        **facts._asdict(),
        "uses": [use._asdict() for use in facts.uses],
        "dangling": [row._asdict() for row in chains],
        **({} if value is None else {"value": value}),
    }


def _print(facts: control.FactsRow, level: str, chains: "list[control.DanglingRow]", value: "str | None") -> None:
    output.print_line(f"{output.paint(output.clean(facts.name), 'head')} at {level}")
    for kind, text, style in fact_lines(facts, chains):
        _print_fact(kind, text, style)
    if value is not None:
        output.print_line(f"  {'value'.ljust(9)}  {output.clean(value)}")  # as it is: it may be copied


def _print_fact(kind: str, text: str, style: "output.Style | None" = None) -> None:
    output.print_field("  ", kind.ljust(9), "  ", text, style)
