"""`rollback`: write a new version with the text of an old one, or with some of its variables."""

from envfs.core import names
from envfs.errors import NoSuchLevel
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.level_versions import DatedLevel, check_newest, dated_level
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class RollbackArguments(NamedTuple):
    """The arguments of `rollback`."""

    level: str
    version: str
    names: str | None
    yes: bool
    message: str | None
    passphrase_file: str | None
    json: bool


def run_rollback(arguments: RollbackArguments) -> int:
    """Write a new version with the text of an old one, or with some of its variables."""
    message, several = check_message(arguments.message), _names(arguments.names)
    dated = _dated(arguments)
    link = session.start_session(arguments.passphrase_file)
    version = _number(link, dated)
    if not arguments.yes:
        _check_version(link.rows(control.ListLevels(dated.level)), dated.level, version)
        link.let_go()
        prompts.need_yes(_question(dated.level, version, several))
    request = control.Rollback(dated.level, version, message, several)
    return report_written(link.reply(request), as_json=arguments.json)


def _names(text: "str | None") -> "tuple[str, ...]":
    return tuple(names.parse_variable(name) for name in text.split(",")) if text else ()


def _dated(arguments: RollbackArguments) -> DatedLevel:
    level, word = arguments.level, arguments.version.removeprefix("@")
    check_newest(dated_level(level), "a rollback writes the newest version, so the level has none")
    return DatedLevel(level, int(word)) if word == "0" else dated_level(f"{level}@{word}")


def _number(link: session.Session, dated: DatedLevel) -> int:
    # found out before a person is asked, and before anything else is written
    if not dated.moment and dated.version >= 0:
        return dated.version
    rows = link.rows(control.ListHistory(dated.level, 1, dated.version, dated.moment))
    versions = [row.version for row in rows if isinstance(row, control.VersionRow)]
    return versions[0] if versions else 0


def _question(level: str, version: int, several: "tuple[str, ...]") -> str:
    if several:
        return f"write {', '.join(several)} of version {version} of {level} again?"
    return f"write version {version} of {level} as its newest?"


def _check_version(levels: "Sequence[object]", level: str, version: int) -> None:
    # before a person is asked. The first row is the level itself. If its newest record is damaged, the daemon judges
    newest = levels[0].version if levels and isinstance(levels[0], control.LevelRow) else version
    if not 1 <= version <= newest:
        raise NoSuchLevel(f"{level} has no version {version}", f"`envfs history {level}` lists them")
