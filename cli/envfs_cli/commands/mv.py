"""`mv`: move a level with its versions, or some variables, to another level."""

from envfs.core import names
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.folder_links import state
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message


class MvArguments(NamedTuple):
    """The arguments of `mv`."""

    source: str
    target: str
    only: tuple[str, ...]
    message: str | None
    passphrase_file: str | None
    json: bool


def run_mv(arguments: MvArguments) -> int:
    """Move a level, or with --only some of its variables."""
    source, target, message = arguments.source, arguments.target, check_message(arguments.message)
    link = session.start_session(arguments.passphrase_file)
    if arguments.only:
        reply = link.reply(control.CopyVariables(target, source, arguments.only, move=True, message=message))
        return report_written(reply, as_json=arguments.json)
    with prompts.Waiting(f"moving {source}"):
        reply = link.reply(control.MoveLevel(source, target, message))
    _tell_links(names.parse_level(source), names.parse_level(target))
    return report_written(reply, as_json=arguments.json)


def _tell_links(source: str, target: str) -> None:
    # what was linked goes on to name the old level
    for folder, linked in state.remembered_folders().items():
        if names.within(linked.level, source):
            level = target + linked.level.removeprefix(source)
            output.note(f"{folder} is linked to {linked.level}; `{state.link_command(folder, level)}` links it again")
