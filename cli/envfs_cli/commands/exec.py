"""`exec`: become a command with a view as its environment."""

import os

from envfs.errors import Malformed
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[NamedTuple], tuple[object, bytes]]

_GRACE = 10  # seconds


class ExecArguments(NamedTuple):
    """The arguments of `exec`."""

    level: str
    command: tuple[str, ...]
    only: tuple[str, ...]
    reason: str | None
    watch: bool
    grace: int | None
    passphrase_file: str | None


def run_exec(arguments: ExecArguments) -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own."""
    if arguments.watch:
        return _watch(arguments)
    link = session.start_session(arguments.passphrase_file)
    variables = fetch_view(link.ask, arguments)
    link.close()
    return replacement.become_command(arguments.command, variables)


def _watch(arguments: ExecArguments) -> int:
    from envfs_cli.watch import watcher

    return watcher.watch_command(
        watcher.Watched(
            arguments.level,
            lambda ask: fetch_view(ask, arguments),
            lambda variables: replacement.become_command(arguments.command, variables),
            arguments.grace or _GRACE,
            arguments.passphrase_file,
        )
    )


def fetch_view(ask: "Ask", arguments: ExecArguments) -> bytes:
    """Return the variables that the command is to have: NAME=value, each ended by a NUL.

    A reference to a name that no level sets is completed from the environment that the command is going to have.
    """
    why = session.given_reason(arguments.reason)
    request = control.ReadView(arguments.level, "exec", "exec", arguments.only, reason=why)
    try:
        view = ask(request)[1]
    except Malformed:  # such as a name that is required: the environment may have it
        view = ask(request._replace(dialect="inheriting"))[1]
    variables, _, opened = view.partition(b"\0\0")
    if not opened:
        return view
    from envfs_cli.process import environment_references

    return environment_references.complete_entries(variables + b"\0", opened, os.environb)
