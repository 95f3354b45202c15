"""`lock`: make the daemon forget keys and views."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client


class LockArguments(NamedTuple):
    """The arguments of `lock`."""

    project: str | None


def run_lock(arguments: LockArguments) -> int:
    """Make a running daemon forget the keys, of everything or of a project, and the views."""
    client.need_running("without one no key is held, so there is nothing to lock").ask(
        control.Lock(arguments.project or "")
    )
    output.done("locked")
    return 0
