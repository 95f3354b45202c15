"""`push`: hand values to the tool of another service, by its standard input."""

import shlex

from envfs.errors import BadName, EnvFSError, Malformed, NoSuchVariable, NotApproved
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake, name_list
from envfs_cli.daemon import session
from envfs_cli.level_versions import DatedLevel, dated_level
from envfs_cli.pushing import tool_run
from envfs_cli.pushing.targets import PushTarget, find_target
from envfs_cli.replies.variables import variables_of
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_NOT_SET, _PUSHED, _FAILED = "not-set", "pushed", "failed"


class PushArguments(NamedTuple):
    """The arguments of `push`. `words` are for the tool."""

    target: "Literal['gh', 'vercel', 'fly', 'kubectl', 'docker']"
    level: str
    names: str
    words: "tuple[str, ...] | None"
    dry_run: bool
    reason: str | None
    passphrase_file: str | None
    json: bool


class Push(NamedTuple):
    """One run of a tool: for which variables, and with which words."""

    names: "tuple[str, ...]"
    words: "tuple[str, ...]"


class Pushed(NamedTuple):
    """A variable, and what became of it. `text` is what the tool said where it failed."""

    name: str
    target: str
    state: str
    text: str


def run_push(arguments: PushArguments) -> int:
    """Push variables, or with --dry-run say what would be run. The status says whether all of them were taken."""
    target, dated = find_target(arguments.target), dated_level(arguments.level)
    names = tuple(dict.fromkeys(_names(arguments.names)))
    pushes = _pushes(target, names, arguments.words or ())
    if arguments.dry_run:
        _check_present(arguments, dated, names)
        _print_pushes(pushes, as_json=arguments.json)
        return 0
    tool_run.check_tool(target.words[0])
    values = _values(arguments, dated, names)
    inputs = [target.standard_input(dated.level, {name: values[name] for name in push.names}) for push in pushes]
    rows = []
    for number, (push, data) in enumerate(zip(pushes, inputs, strict=True), 1):
        with prompts.Waiting(f"pushing {', '.join(push.names)} ({number} of {len(pushes)})"):
            ended = tool_run.run_tool(push.words, data, [values[name] for name in push.names])
        state = _FAILED if ended.status else _PUSHED
        rows += [Pushed(name, target.name, state, ended.text if ended.status else "") for name in push.names]
    return _report(rows, as_json=arguments.json)


def _names(text: str) -> "tuple[str, ...]":
    try:
        return name_list(text)
    except ValueError:
        raise BadName("a name in the list is empty", "several names are written A,B,C") from None


def _pushes(target: PushTarget, names: "tuple[str, ...]", more: "tuple[str, ...]") -> "list[Push]":
    if target.needs and not more:
        raise Mistake(f"{target.name} needs to know {target.needs}", "say it at the end, behind `--`")
    for name in names:
        if not target.takes(name):
            raise Malformed(f"{target.name} takes no variable of such a name", "give it a name that the service takes")
    groups = [(name,) for name in names] if target.is_for_each else [names]
    return [Push(group, target.command(group[0], more)) for group in groups]


def _check_present(arguments: PushArguments, dated: DatedLevel, names: "tuple[str, ...]") -> None:
    # what a dry run says is so for callers without a right to the values as well
    request = control.ListPresence(dated.level, names, version=dated.version, moment=dated.moment)
    rows = session.start_session(arguments.passphrase_file).rows(request)
    if any(isinstance(row, control.PresenceRow) and row.state == _NOT_SET for row in rows):
        raise NoSuchVariable(f"{dated.level} has no variable of that name", f"`envfs show {dated.level}` lists them")


def _values(arguments: PushArguments, dated: DatedLevel, names: "tuple[str, ...]") -> "dict[str, str]":
    why, target = session.given_reason(arguments.reason), arguments.target
    level, version, moment = dated
    request = control.ReadView(level, "environ", "push", names, version, "", why, moment, target)
    reply, blob = session.start_session(arguments.passphrase_file).ask(request)
    if isinstance(reply, control.ViewSent) and reply.masked:
        raise NotApproved(
            f"placeholders are all that this caller gets of {level}", "they are not pushed: ask the owner"
        )
    return variables_of(blob)


def _print_pushes(pushes: "list[Push]", *, as_json: bool) -> None:
    if as_json:
        output.as_json([{"names": push.names, "command": push.words} for push in pushes])
    else:
        rows = [(", ".join(push.names), shlex.join(push.words)) for push in pushes]
        output.print_table(("VALUES OF", "GO TO"), rows, none="there is nothing to push")


def _report(rows: "list[Pushed]", *, as_json: bool) -> int:
    if as_json:
        output.rows_json(rows)
    else:
        output.print_table(("NAME", "TARGET", "STATE"), [row[:3] for row in rows], none="")
        for text in dict.fromkeys(row.text for row in rows if row.text):
            for line in text.splitlines():
                output.note(f"{rows[0].target} said: {line}")
    failed = sum(row.state == _FAILED for row in rows)
    if failed:
        output.error(EnvFSError(f"{failed} of {len(rows)} variables were not pushed"))
    else:
        output.done(f"{len(rows)} variable{'s' * (len(rows) != 1)} pushed to {rows[0].target}")
    return EnvFSError.status if failed else 0
