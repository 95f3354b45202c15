"""`exec`: become a command with a view as its environment."""

import _signal  # type: ignore[import-not-found]  # the bare module: the one around it costs 4 ms of `exec`
import os
import sys

from envfs.errors import EnvFSError, Malformed
from envfs.protocol import control
from envfs_cli import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.arguments import Values

    Ask = Callable[[NamedTuple], tuple[object, bytes]]

_NOT_FOUND, _NOT_RUNNABLE = 127, 126


def execute(values: "Values") -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own."""
    if values["watch"]:
        from envfs_cli.commands import watching

        return watching.watch(values, fetch, become)
    link = session.start(values)
    variables = fetch(link.ask, values)
    link.close()
    return become(values["command"], variables)  # type: ignore[arg-type]


def fetch(ask: "Ask", values: "Values") -> bytes:
    """Return the variables that the command is to have: NAME=value, each ended by a NUL.

    What they refer to and no level sets is taken from the environment that the command is going to have.
    """
    request = control.ReadView(str(values["level"]), "exec", "exec", values["only"] or ())  # type: ignore[arg-type]
    try:
        found = ask(request)[1]
    except Malformed:  # such as a name that is required: the environment may have it
        found = ask(request._replace(dialect="inheriting"))[1]
    variables, _, opened = found.partition(b"\0\0")
    if not opened:
        return found
    from envfs_cli import inheriting

    return inheriting.completed(variables + b"\0", opened, os.environb)


def become(command: "tuple[str, ...]", variables: bytes) -> int:
    """Replace this process by a command with these variables over the environment; returns a status if it cannot."""
    environ = {os.fsencode(name): os.fsencode(value) for name, value in os.environ.items()}
    for entry in variables.split(b"\0")[:-1]:
        name, _, content = entry.partition(b"=")
        environ[name] = content
    sys.stdout.flush()
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606
    except FileNotFoundError:
        _complain(f"there is no command {command[0]}")
        return _NOT_FOUND
    except OSError as error:
        if error.errno == 7:  # E2BIG  # noqa: PLR2004
            raise EnvFSError("the view is too large for an environment", "choose variables with --only") from None
        _complain(f"cannot run {command[0]}: {os.strerror(error.errno or 5).lower()}")
        return _NOT_RUNNABLE


def _complain(text: str) -> None:
    from envfs_cli import output

    output.error(EnvFSError(text))
