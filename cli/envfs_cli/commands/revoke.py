"""`revoke`: take rules back, by what they name or by an id."""

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.callers import named_callers
from envfs_cli.daemon import session
from envfs_cli.replies.written import print_notes


class RevokeArguments(NamedTuple):
    """The arguments of `revoke`. `level` may be the id of a rule."""

    level: str
    uid: int | None
    user: str | None
    gid: int | None
    group: str | None
    exe: str | None
    script: str | None
    under: str | None
    cgroup: str | None
    unit: str | None
    passphrase_file: str | None


def run_revoke(arguments: RevokeArguments) -> int:
    """Take rules back.

    Raises:
        BadRequest: neither callers nor an id were named
    """
    callers = named_callers(arguments, pinned=False)
    if not callers.is_anybody:
        request = control.Revoke(arguments.level, *callers.conditions)
    elif _is_id(arguments.level):
        request = control.Revoke("/", id=arguments.level)
    else:
        raise BadRequest(
            "say for whom", "with --user and the like, or name a rule by its id: `envfs grants` lists them"
        )
    print_notes(session.start_session(arguments.passphrase_file).reply(request))
    return 0


def _is_id(word: str) -> bool:
    return word[:1] in ("g", "t", "s") and word[1:].isalnum() and any(letter.isdigit() for letter in word)
