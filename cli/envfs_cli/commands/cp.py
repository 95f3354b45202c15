"""`cp`: set the variables of one level at another one as well."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.level_versions import dated_level
from envfs_cli.replies.written import report_written
from envfs_cli.version_message import check_message


class CpArguments(NamedTuple):
    """The arguments of `cp`."""

    source: str
    target: str
    only: tuple[str, ...]
    version: int | None
    message: str | None
    passphrase_file: str | None
    json: bool


def run_cp(arguments: CpArguments) -> int:
    """Copy variables. The values do not leave the keyholder."""
    message = check_message(arguments.message)
    source, version, moment = dated_level(arguments.source, arguments.version)
    request = control.CopyVariables(arguments.target, source, arguments.only, version, message=message, moment=moment)
    return report_written(session.start_session(arguments.passphrase_file).reply(request), as_json=arguments.json)
