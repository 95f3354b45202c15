"""`rm`: remove a level. Its versions stay until they are forgotten."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message


class RmArguments(NamedTuple):
    """The arguments of `rm`."""

    level: str
    below: bool
    yes: bool
    message: str | None
    passphrase_file: str | None
    json: bool


def run_rm(arguments: RmArguments) -> int:
    """Remove a level, and with --below those below it."""
    level, message = arguments.level, check_message(arguments.message)
    link = session.start_session(arguments.passphrase_file)
    if not arguments.yes:
        link.rows(control.ListLevels(level))  # before a person is asked: a level that is not there is refused
        link.let_go()
        prompts.need_yes(f"remove {level}{' and all levels below it' if arguments.below else ''}?")
    return report_written(link.reply(control.RemoveLevel(level, arguments.below, message)), as_json=arguments.json)
