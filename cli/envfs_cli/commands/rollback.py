"""`rollback`: write a new version with the text of an old one."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message


class RollbackArguments(NamedTuple):
    """The arguments of `rollback`."""

    level: str
    version: int
    yes: bool
    message: str | None
    passphrase_file: str | None
    json: bool


def run_rollback(arguments: RollbackArguments) -> int:
    """Write a new version with the text of an old one. Raises NoSuchLevel for version 0."""
    level, version, message = arguments.level, arguments.version, check_message(arguments.message)
    link = session.start_session(arguments.passphrase_file)
    link.let_go()
    if not arguments.yes:
        prompts.need_yes(f"write version {version} of {level} as its newest?")
    return report_written(link.reply(control.Rollback(level, version, message)), as_json=arguments.json)
