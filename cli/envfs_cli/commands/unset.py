"""`unset`: remove one variable from a level's own text."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.version_message import check_message


class UnsetArguments(NamedTuple):
    """The arguments of `unset`."""

    level: str
    name: str
    message: str | None
    passphrase_file: str | None
    json: bool


def run_unset(arguments: UnsetArguments) -> int:
    """Remove one variable."""
    request = control.UnsetVariable(arguments.level, arguments.name, check_message(arguments.message))
    return report_written(session.start_session(arguments.passphrase_file).reply(request), as_json=arguments.json)
