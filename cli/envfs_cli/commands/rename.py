"""`rename`: give one variable of a level's own text another name."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.version_message import check_message


class RenameArguments(NamedTuple):
    """The arguments of `rename`."""

    level: str
    name: str
    new_name: str
    message: str | None
    passphrase_file: str | None
    json: bool


def run_rename(arguments: RenameArguments) -> int:
    """Give one variable another name."""
    message = check_message(arguments.message)
    request = control.RenameVariable(arguments.level, arguments.name, arguments.new_name, message)
    return report_written(session.start_session(arguments.passphrase_file).reply(request), as_json=arguments.json)
