"""The end of a rotation: the version that was written, and the processes that go on with the value before.

Law: the rotation is done by then. A caller that may not know who has a value is told so, and nothing fails.
"""

import os

from envfs.errors import EnvFSError, NotApproved
from envfs.protocol import control, wire
from envfs_cli import output
from envfs_cli.holders import listing, restarting
from envfs_cli.replies.written import report_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envfs_cli.daemon.session import Session
    from envfs_cli.rotating.steps import Variable

_UNKNOWN = listing.Holders((), ())
_NOBODY = "no live process is known to have the value before"


def report_rotation(asking: "Session", variable: "Variable", reply: object, *, as_json: bool) -> int:
    """Say what was written, and who has the value before. Returns the exit status."""
    if not isinstance(reply, control.Written):
        return 0
    listed = _list_holders(asking, variable, reply.version)
    if as_json:
        output.as_json({**wire.fields_of(reply), "holders": [wire.fields_of(row) for row in listed.rows]})
    else:
        report_written(reply, as_json=False)
        _print(listed)
    for text in listed.notes:
        output.note(text)
    return 0


def restart_holders(asking: "Session", variable: "Variable", reply: object, *, yes: bool) -> int:
    """Restart the services that have the value before. Returns the exit status.

    Raises:
        EnvFSError: the answer is no, or the caller may not know who has it
    """
    if not isinstance(reply, control.Written) or not reply.version:
        raise NotApproved("this caller may not know who has the value before, so nothing was restarted")
    return restarting.restart_holders(asking, variable.level, variable.name, before=reply.version, yes=yes)


def _list_holders(asking: "Session", variable: "Variable", version: int) -> listing.Holders:
    if not version:
        return _UNKNOWN
    try:
        listed = listing.list_holders(asking, variable.level, variable.name, before=version)
    except EnvFSError as error:
        output.note(f"who has the value before is not known: {error.text}")
        return _UNKNOWN
    return listed._replace(rows=tuple(row for row in listed.rows if row.pid != os.getpid()))  # which ends now


def _print(listed: listing.Holders) -> None:
    if listed.rows:
        output.done(f"{_processes(listed.rows)} the value before:")
        listing.print_holders(listed.rows)
    elif listed is not _UNKNOWN:
        output.done(_NOBODY)


def _processes(rows: "Sequence[control.HolderRow]") -> str:
    several = len(rows) > 1
    have = ("have" if several else "has") if all(map(listing.is_sure, rows)) else "may have"
    return f"{len(rows)} process{'es' * several} {have}"
