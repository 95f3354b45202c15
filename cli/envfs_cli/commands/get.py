"""`get`: print one variable's value."""

import os

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.level_versions import dated_level
from envfs_cli.replies import masked


class GetArguments(NamedTuple):
    """The arguments of `get`."""

    level: str
    name: str
    version: int | None
    reason: str | None
    passphrase_file: str | None


def run_get(arguments: GetArguments) -> int:
    """Print one value, with a line end on a terminal only."""
    level, version, moment = dated_level(arguments.level, arguments.version)
    why = session.given_reason(arguments.reason)
    request = control.ReadView(level, "value", "get", (arguments.name,), version, reason=why, moment=moment)
    reply, blob = session.start_session(arguments.passphrase_file).ask(request)
    masked.note_if_masked(reply)
    output.raw(blob + b"\n" if os.isatty(1) or not blob.endswith(b"\n") else blob)
    return 0
