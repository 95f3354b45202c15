"""`grant`: approve a user for a level and all below it."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies.written import print_notes
from envfs_cli.users import uid_of


class GrantArguments(NamedTuple):
    """The arguments of `grant`."""

    level: str
    uid: int | None
    user: str | None
    ttl: int | None
    dialect: str | None
    passphrase_file: str | None


def run_grant(arguments: GrantArguments) -> int:
    """Approve a user."""
    uid = uid_of(arguments.uid, arguments.user)
    request = control.GrantAccess(arguments.level, uid, arguments.ttl or 0, arguments.dialect or "")
    reply = session.start_session(arguments.passphrase_file).reply(request)
    output.done(f"uid {uid} may read {arguments.level} and all below it")
    print_notes(reply)
    return 0
