"""`unlock`: give a locked daemon the passphrase of the vault or of one project."""

from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client, session


class UnlockArguments(NamedTuple):
    """The arguments of `unlock`."""

    project: str | None
    ttl: int | None
    passphrase_file: str | None


def run_unlock(arguments: UnlockArguments) -> int:
    """Give a running daemon the passphrase, of the vault or of a project."""
    asking = session.session_over(client.need_running(), arguments.passphrase_file, arguments.project)
    asking.unlock(arguments.ttl or 0, arguments.project or "")
    output.done("unlocked")
    return 0
