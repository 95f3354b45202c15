"""The steps of a rotation, in the order in which a failure of any of them loses nothing.

Without a command that applies the value, there is one: the variable gets the new value. With one there are three:
NAME_NEXT gets the new value, the command applies it, and NAME gets the value of NAME_NEXT, which goes. Laws: the new
value is in the vault before anybody else has it. NAME has a value that counted when it was written.
"""

import shlex
import time

from envfs.core.line_ends import without_line_end
from envfs.core.rotation import NEXT, PREVIOUS
from envfs.errors import AlreadyExists, Conflict, EnvFSError, Malformed, NoSuchLevel, NoSuchVariable, NotApproved
from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.rotating import hooks
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.daemon.session import Session
else:
    from envfs.tuples import NamedTuple


class Variable(NamedTuple):
    """The variable that is rotated, and what is written with each version."""

    level: str
    name: str
    overlap: int = 0
    message: str = ""

    def step(self, phase: str) -> control.RotateVariable:
        """Return the request for one step."""
        return control.RotateVariable(self.level, self.name, phase, overlap=self.overlap, message=self.message)

    @property
    def command(self) -> str:
        """The command that rotates it."""
        return f"envfs rotate {self.level} {self.name}"

    @property
    def options(self) -> str:
        """The options that a command line needs to go on as this one began, with a blank before each."""
        message = f" -m {shlex.quote(self.message)}" if self.message else ""
        return f"{f' --overlap {self.overlap}s' if self.overlap else ''}{message}"


def described(asking: "Session", level: str, name: str) -> "control.RotationRow | None":
    """Return what a level's text says of a variable. None if the caller does not learn that, or it is not set there."""
    rows = asking.rows(control.ListRotations(level, name=name))
    return next((row for row in rows if isinstance(row, control.RotationRow)), None)


def check_no_other(asking: "Session", variable: Variable) -> None:
    """Find out that no other rotation is under way, before a value is made for nothing.

    Raises:
        AlreadyExists: one is
    """
    row = described(asking, variable.level, variable.name + NEXT)
    if row is not None and row.state == "begun":
        raise AlreadyExists(
            f"a rotation of {variable.name} is under way since {output.local_time(row.due)}",
            f"`envfs rotate {variable.level} {variable.name} --resume` goes on with it, "
            f"and `envfs rotate {variable.level} {variable.name} --abort` gives it up",
        )


def write_at_once(asking: "Session", variable: Variable, value: bytes, *, was_made: bool) -> object:
    """Give the variable its new value, in one version. `was_made`: another program made it, so it is not let go.

    Raises:
        EnvFSError: it was refused
    """
    return _written(asking, variable.step("direct"), value, was_made=was_made)


def begin(asking: "Session", variable: Variable, value: bytes, *, was_made: bool) -> object:
    """Write the new value beside the old one.

    Raises:
        EnvFSError: it was refused
    """
    return _written(asking, variable.step("begin"), value, was_made=was_made)


def apply_value(
    asking: "Session",
    variable: Variable,
    hook: "hooks.RotationCommand | None",
    value: bytes,
    old: int,
    is_stopped: "Callable[[], bool]",
) -> object:
    """Have a command apply the value that NAME_NEXT has, and write it to NAME.

    Raises:
        EnvFSError: one of the two failed. It says how to go on
    """
    pending, resume = variable.name + NEXT, f"{variable.command} --resume"
    option = f"{hook.option}{' --give-old' * (old >= 0)}" if hook else " --no-hook"
    go_on = f"`{resume}{option}{variable.options}` goes on, and `{variable.command} --abort` gives it up"
    if is_stopped():
        raise EnvFSError(f"interrupted: {variable.name} is as before, and {pending} has the new value", go_on)
    if hook is not None:
        asking.let_go()
        try:
            hooks.apply_by(hook, variable.level, variable.name, value, old)
        except hooks.HookFailed as error:
            text = f"{error.text}: {variable.name} is as before, and {pending} has the new value"
            raise EnvFSError(text, go_on) from None
    try:
        return asking.reply(variable.step("apply"), (secrets.from_bytes(value),) if hook else ())
    except (Conflict, NoSuchLevel, NoSuchVariable) as error:
        if hook is None:
            raise
        raise type(error)(
            f"{error.text}. the command succeeded, so the new value counts",
            f"`envfs history {variable.level} --name {pending}` lists the version that has it",
        ) from None
    except EnvFSError as error:
        done = "the command succeeded, so the new value counts, and it" if hook else "the new value"
        raise type(error)(
            f"{error.text}. {done} is in the vault as {pending}", f"`{resume} --no-hook{variable.options}` ends it"
        ) from None


def pending_value(asking: "Session", variable: Variable) -> bytes:
    """Return the value that an interrupted rotation wrote.

    Raises:
        NoSuchVariable: there is none
        NotApproved: the caller gets placeholders
    """
    row = described(asking, variable.level, variable.name + NEXT)
    if row is not None and row.state != "begun":
        raise NoSuchVariable(f"no rotation of {variable.name} is under way")
    return read_value(asking, variable.level, variable.name + NEXT)


def read_value(asking: "Session", level: str, name: str) -> bytes:
    """Return a value, for a command that is to have it.

    Raises:
        NotApproved: the caller gets placeholders
    """
    reply, blob = asking.ask(control.ReadView(level, "value", "get", (name,)))
    if isinstance(reply, control.ViewSent) and reply.masked:
        raise NotApproved(f"this caller gets placeholders of {level}, and no value", "ask the owner")
    return blob


def trimmed(data: bytes) -> bytes:
    """Return a value without the line end that it has if it is of one line.

    Raises:
        Malformed: it is not UTF-8 text
        EnvFSError: it is empty
    """
    try:
        value = without_line_end(data.decode()).encode()
    except UnicodeDecodeError:
        raise Malformed("the new value is not UTF-8 text", "encode it first, for example with base64") from None
    if not value:
        raise EnvFSError("the new value is empty, so nothing was changed")
    return value


def end_notes(variable: Variable, expires: str, period: int) -> None:
    """Say how the overlap is ended, and that a day in the text is the old one's. `period` (seconds) gives the next."""
    if expires:
        name, level = variable.name, variable.level
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + period)) if period > 0 else ""
        then = f", to {day} by its @rotate" if day else ""
        output.note(f"the @expires above {name} is about the value before: `envfs edit {level}` changes it{then}")
    if variable.overlap:
        place = variable.name + PREVIOUS
        output.note(f"{place} has the value before; `{variable.command} --finish` removes it when nothing needs it")


def _written(asking: "Session", request: control.RotateVariable, value: bytes, *, was_made: bool) -> object:
    while True:
        try:
            return asking.reply(request, (secrets.from_bytes(value),))
        except EnvFSError as error:
            if not was_made:
                raise
            is_final = isinstance(error, AlreadyExists | Malformed | NoSuchVariable | NotApproved)
            if is_final or not prompts.confirm(
                f"{output.clean(error.text)}, and the new value is not in the vault: try again?"
            ):
                text = f"{error.text}, so the value that the command made is in no vault"
                raise type(error)(text, error.hint or "run it again when that is fixed") from None
