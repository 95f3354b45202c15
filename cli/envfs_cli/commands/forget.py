"""`forget`: forget the values of older versions of a level for good."""

import time

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.log_times import parse_log_time
from envfs_cli.terminal import prompts

_MOST_DIGITS = 18


class ForgetArguments(NamedTuple):
    """The arguments of `forget`."""

    level: str
    before: str | None
    yes: bool
    passphrase_file: str | None
    json: bool


def run_forget(arguments: ForgetArguments) -> int:
    """Forget the bytes of versions before a number or a time, or of all but the newest."""
    number, moment = _before(arguments.before)
    request = control.ForgetVersions(arguments.level, number, moment)
    link = session.start_session(arguments.passphrase_file)
    if not arguments.yes:
        plan = link.reply(request._replace(dry=True))
        link.let_go()
        if isinstance(plan, control.VersionsForgotten) and plan.versions:
            prompts.need_yes(
                f"forget {_counted(plan)} of {plan.level} before version {plan.first_left}? No rollback brings one back"
            )
    with prompts.Waiting("forgetting"):
        reply = link.reply(request)
    if not isinstance(reply, control.VersionsForgotten):
        return 0
    if arguments.json:
        output.message_json(reply)
    else:
        output.done(f"{_counted(reply)} of {reply.level} forgotten; the first that is left is {reply.first_left}")
    return 0


def _counted(plan: control.VersionsForgotten) -> str:
    return f"{plan.versions} version{'s' if plan.versions != 1 else ''}"


def _before(text: str | None) -> tuple[int, str]:
    if text is None:
        return 0, ""
    if text.isascii() and text.isdigit():
        number = int(text[:_MOST_DIGITS])  # of one that is longer no level has a version either
        if not number:
            raise Mistake("versions count from 1")
        return number, ""
    try:
        return 0, parse_log_time(text, time.time())
    except ValueError:
        raise Mistake(
            "--before is neither a version nor a time", "as in 7, 30d, 2026-11-01 or 2026-11-01T10:00"
        ) from None
