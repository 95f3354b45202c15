"""`rollback`: write a new version with the text of an old one."""

from envfs.errors import NoSuchLevel
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
    if not arguments.yes:
        _check_version(link.rows(control.ListLevels(level)), level, version)
        link.let_go()
        prompts.need_yes(f"write version {version} of {level} as its newest?")
    return report_written(link.reply(control.Rollback(level, version, message)), as_json=arguments.json)


def _check_version(levels: "Sequence[object]", level: str, version: int) -> None:
    # before a person is asked. The first row is the level itself. If its newest record is damaged, the daemon judges
    newest = levels[0].version if levels and isinstance(levels[0], control.LevelRow) else version
    if not 1 <= version <= newest:
        raise NoSuchLevel(f"{level} has no version {version}", f"`envfs history {level}` lists them")
