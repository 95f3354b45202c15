"""`revoke`: take a grant back."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.users import uid_of


class RevokeArguments(NamedTuple):
    """The arguments of `revoke`."""

    level: str
    uid: int | None
    user: str | None
    passphrase_file: str | None


def run_revoke(arguments: RevokeArguments) -> int:
    """Take a grant back."""
    uid = uid_of(arguments.uid, arguments.user)
    session.start_session(arguments.passphrase_file).reply(control.Revoke(arguments.level, uid))
    output.done(f"the grant of uid {uid} on {arguments.level} is gone")
    return 0
