"""`accept`: accept a level as it is, after a backup was restored."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import print_notes
from envfs_cli.terminal import prompts


class AcceptArguments(NamedTuple):
    """The arguments of `accept`."""

    level: str
    yes: bool
    passphrase_file: str | None


def run_accept(arguments: AcceptArguments) -> int:
    """Accept a level as it is now."""
    if not arguments.yes:
        prompts.need_yes(f"take {arguments.level} as it is now for the truth?")
    print_notes(session.start_session(arguments.passphrase_file).reply(control.Accept(arguments.level)))
    return 0
