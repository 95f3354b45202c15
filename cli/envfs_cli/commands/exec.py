"""`exec`: become a command with a view as its environment."""

import os

from envfs.errors import Malformed
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.level_versions import check_newest, dated_level
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
    view = _View(arguments)
    if arguments.watch:
        check_newest(view.dated, "a version of the past never changes, so there is nothing to watch")
        return _watch(arguments, view)
    link = session.start_session(arguments.passphrase_file)
    variables = view.fetch(link.ask)
    link.close()
    return view.become_command(variables)


def _watch(arguments: ExecArguments, view: "_View") -> int:
    from envfs_cli.watch import watcher

    grace = arguments.grace or _GRACE
    return watcher.watch_command(
        watcher.Watched(arguments.level, view.fetch, view.become_command, grace, arguments.passphrase_file)
    )


class _View:
    """The view that the command gets, and whether placeholders came in the place of its values."""

    def __init__(self, arguments: ExecArguments) -> None:
        self._arguments = arguments
        self.dated = dated_level(arguments.level)
        self._is_masked = False

    def fetch(self, ask: "Ask") -> bytes:
        """Return the variables that the command is to have: NAME=value, each ended by a NUL.

        A reference to a name that no level sets is completed from the environment that the command is going to have.
        """
        why = session.given_reason(self._arguments.reason)
        level, version, moment = self.dated
        request = control.ReadView(level, "exec", "exec", self._arguments.only, version, reason=why, moment=moment)
        try:
            reply, view = ask(request)
        except Malformed:  # such as a name that is required: the environment may have it
            reply, view = ask(request._replace(dialect="inheriting"))
        self._is_masked = isinstance(reply, control.ViewSent) and reply.masked
        variables, _, opened = view.partition(b"\0\0")
        if not opened:
            return view
        from envfs_cli.process import environment_references

        return environment_references.complete_entries(variables + b"\0", opened, os.environb)

    def become_command(self, variables: bytes) -> int:
        """Become the command, and say before if its variables are placeholders: once for each start."""
        if self._is_masked:
            from envfs_cli.replies import masked

            masked.note_masked()
        return replacement.become_command(self._arguments.command, variables)
