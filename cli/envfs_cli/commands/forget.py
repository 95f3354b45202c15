"""`forget`: forget the values of older versions of a level for good."""

import time
from contextlib import suppress

from envfs.core.version_choice import parse_begin, parse_version_choice
from envfs.errors import BadName
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import log_times, output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.terminal import prompts


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
        for sentence in reply.notes:
            output.note(output.clean(sentence))
    return 0


def _counted(plan: control.VersionsForgotten) -> str:
    return f"{plan.versions} version{'s' if plan.versions != 1 else ''}"


def _before(text: str | None) -> tuple[int, str]:
    # a version or a time as behind `LEVEL@`, a day, or how long ago
    if text is None:
        return 0, ""
    word = text.removeprefix("@")
    if not word.strip("0"):
        raise Mistake("versions count from 1")
    with suppress(ValueError):
        return 0, log_times.time_ago(word, time.time())
    with suppress(BadName):
        choice = parse_version_choice(word)
        if not choice.moment:
            return choice.number, ""
    try:
        return 0, parse_begin(word)
    except BadName:
        raise Mistake(
            "--before is neither a version nor a time", "as in 7, @-3, 30d, 2026-11-01 or 2026-11-01T10:00"
        ) from None
