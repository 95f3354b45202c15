"""`rotate`: give a variable a new value that nobody sees, have a command apply it, and keep the old one for a while."""

import os

from envfs.core import limits, names
from envfs.core.rotation import NEXT, PREVIOUS
from envfs.errors import EnvFSError, NoSuchVariable, NotApproved
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.generating import new_values, options
from envfs_cli.replies.written import report_written
from envfs_cli.rotating import after, hooks, steps
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = limits.VALUE_BYTES + limits.LINE_END_BYTES


class RotateArguments(NamedTuple):
    """The arguments of `rotate`."""

    level: str
    name: str
    length: int | None
    alphabet: str | None
    words: bool
    uuid: bool
    bytes: str | None
    key: str | None
    command: str | None
    stdin: bool
    rotate_with: str | None
    no_hook: bool
    folder: str | None
    give_old: bool
    overlap: int | None
    resume: bool
    abort: bool
    finish: bool
    restart_holders: bool
    dry_run: bool
    yes: bool
    message: str | None
    passphrase_file: str | None
    json: bool


class Plan(NamedTuple):
    """The maker of the value (a command, a pipe, a kind), the end and period of the text, and what applies it."""

    maker: hooks.RotationCommand | None
    is_piped: bool
    kind: new_values.ValueKind
    expires: str
    period: int
    hook: hooks.RotationCommand | None

    def hooks(self) -> tuple[hooks.RotationCommand, ...]:
        """Return the commands, in the order in which they run."""
        return tuple(hook for hook in (self.maker, self.hook) if hook is not None)


def run_rotate(arguments: RotateArguments) -> int:
    """Rotate a value.

    Raises:
        EnvFSError: a step failed. It says how to go on
    """
    _check_words(arguments)
    level, name = names.parse_level(arguments.level), names.parse_variable(arguments.name)
    variable = steps.Variable(level, name, arguments.overlap or 0, check_message(arguments.message))
    asking = session.start_session(arguments.passphrase_file)
    if arguments.abort or arguments.finish:
        reply = asking.reply(variable.step("abort" if arguments.abort else "finish"))
        return report_written(reply, as_json=arguments.json)
    plan = _plan(asking, arguments, level, name)
    if arguments.dry_run:
        return _describe(plan, variable, is_resumed=arguments.resume)
    if not arguments.resume:
        steps.check_no_other(asking, variable)
        asking.reply(control.CheckWrite(level, name))
    if plan.hooks() or plan.is_piped:
        asking.let_go()
        hooks.confirm_hooks(plan.hooks(), level, yes=arguments.yes)
    old = secrets.from_bytes(steps.read_value(asking, level, name)) if arguments.give_old else -1
    reply = _resume(asking, variable, plan, old) if arguments.resume else _rotate(asking, variable, plan, old)
    after.report_rotation(asking, variable, reply, as_json=arguments.json)
    steps.end_notes(variable, plan.expires, plan.period)
    return after.restart_holders(asking, variable, reply, yes=arguments.yes) if arguments.restart_holders else 0


def _check_words(arguments: RotateArguments) -> None:
    sources = (options.kind_options(arguments).are_given, arguments.command is not None, arguments.stdin)
    if sum(sources) > 1:
        raise Mistake("the new value has one source", "a kind such as --words, or --command, or --stdin")
    ends = (arguments.resume, arguments.abort, arguments.finish)
    if sum(ends) > 1 or (any(ends) and any(sources)):
        raise Mistake("--resume, --abort and --finish each end a rotation, and make no value")
    if (arguments.abort or arguments.finish) and (arguments.rotate_with or arguments.overlap or arguments.dry_run):
        raise Mistake("--abort and --finish run no command, and keep no value")
    if arguments.restart_holders and (arguments.json or any((arguments.abort, arguments.finish, arguments.dry_run))):
        raise Mistake("--restart-holders follows a rotation, and has a table of its own")
    if arguments.no_hook and arguments.rotate_with:
        raise Mistake("--no-hook and --rotate-with contradict each other")


def _plan(asking: session.Session, arguments: RotateArguments, level: str, name: str) -> Plan:
    row = steps.described(asking, level, name)
    if row is None and not (arguments.no_hook or arguments.rotate_with):
        raise NoSuchVariable(
            f"{level} does not set {name} itself, as far as this caller may know",
            f"`envfs explain {level} {name}` says where it is set",
        )
    hides = row is not None and row.has_hooks and not (row.with_command or row.from_command)
    if hides and not (arguments.no_hook or arguments.rotate_with):
        raise NotApproved(
            f"the text of {level} names a command for {name} that is wrong, or that this caller may not read",
            f"`envfs check {level}` says what is wrong, and --rotate-with or --no-hook takes its place",
        )
    given = options.kind_options(arguments)
    kind = new_values.read_kind(row.kind) if row and row.kind and not given.are_given else options.chosen_kind(given)
    hook = _hook(arguments, row, level)
    if arguments.resume and hook is None and not arguments.no_hook:
        raise EnvFSError(
            "no command is known that applies the new value",
            "name it with --rotate-with, or say --no-hook if it counts already",
        )
    return Plan(
        _maker(arguments, row, level, is_chosen=given.are_given),
        arguments.stdin,
        new_values.check_kind(kind),
        row.expires if row else "",
        row.period if row else 0,
        hook,
    )


def _maker(
    arguments: RotateArguments, row: "control.RotationRow | None", level: str, *, is_chosen: bool
) -> "hooks.RotationCommand | None":
    if arguments.command is not None:
        return hooks.typed_hook(arguments.command)
    if row is None or not row.from_command or is_chosen or arguments.stdin or arguments.resume:
        return None
    return hooks.hook_of_text(row.from_command, level, arguments.folder)


def _hook(arguments: RotateArguments, row: "control.RotationRow | None", level: str) -> "hooks.RotationCommand | None":
    if arguments.rotate_with is not None:
        return hooks.typed_hook(arguments.rotate_with)
    if arguments.no_hook or row is None or not row.with_command:
        return None
    return hooks.hook_of_text(row.with_command, level, arguments.folder)


def _describe(plan: Plan, variable: steps.Variable, *, is_resumed: bool) -> int:
    for line in (
        *_first_lines(plan, variable, is_resumed=is_resumed),
        *_last_lines(plan, variable, is_resumed=is_resumed),
    ):
        output.print_line(line)
    return 0


def _first_lines(plan: Plan, variable: steps.Variable, *, is_resumed: bool) -> "Iterator[str]":
    if is_resumed:
        return
    yield _maker_line(plan)
    if plan.hook:
        yield f"write a version: {variable.name}{NEXT} has the new value, {variable.name} stays"


def _maker_line(plan: Plan) -> str:
    if plan.maker:
        return f"run, for the new value: {plan.maker.shown} (in {plan.maker.folder})"
    if plan.is_piped:
        return "read the new value from standard input"
    return f"make a value: {plan.kind.kind}{f', {plan.kind.length}' if plan.kind.length else ''}"


def _last_lines(plan: Plan, variable: steps.Variable, *, is_resumed: bool) -> "Iterator[str]":
    name = variable.name
    if plan.hook:
        yield f"run, with the new value on its standard input: {plan.hook.shown} (in {plan.hook.folder})"
    also = f", {name}{PREVIOUS} the one before" if variable.overlap else ""
    gone = f", and {name}{NEXT} goes" if plan.hook or is_resumed else ""
    yield f"write a version: {name} has the new value{also}{gone}"


def _rotate(asking: session.Session, variable: steps.Variable, plan: Plan, old: int) -> object:
    was_made = plan.maker is not None
    value, public = (b"", "") if was_made else _value(plan, variable)
    with hooks.Interruptions(ends=was_made, makes=was_made) as interruptions:
        if plan.maker is not None:  # it may count at a server by now: nothing comes between it and the vault
            value = steps.trimmed(hooks.made_by(plan.maker, variable.level, variable.name, old))
        if plan.hook is None:
            reply = steps.write_at_once(asking, variable, value, was_made=was_made)
        else:
            steps.begin(asking, variable, value, was_made=was_made)
            reply = steps.apply_value(asking, variable, plan.hook, value, old, lambda: interruptions.came)
    if public:
        output.print_line(public)
    return reply


def _resume(asking: session.Session, variable: steps.Variable, plan: Plan, old: int) -> object:
    value = steps.pending_value(asking, variable) if plan.hook else b""
    with hooks.Interruptions() as interruptions:
        return steps.apply_value(asking, variable, plan.hook, value, old, lambda: interruptions.came)


def _value(plan: Plan, variable: steps.Variable) -> tuple[bytes, str]:
    if plan.is_piped:
        handle, _ = secrets.value_descriptor(variable.name, None)  # asked for, if standard input is a terminal
        return steps.trimmed(os.pread(handle, _MOST, 0)), ""
    fresh = new_values.make_value(plan.kind)
    options.note_strength(fresh)
    return fresh.value, fresh.public.decode().strip()
