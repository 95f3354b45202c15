"""`get`: print one variable's value, or say whether variables are set."""

import os

from envfs.errors import BadName
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
    presence: bool
    version: int | None
    reason: str | None
    passphrase_file: str | None
    json: bool


def run_get(arguments: GetArguments) -> int:
    """Print one value, with a line end on a terminal only.

    Raises:
        Mistake: a value is to be printed as JSON
        BadName: several variables are named
    """
    if arguments.presence:
        return _say_presence(arguments)
    if "," in arguments.name:
        raise BadName(
            "not a variable name", f"several go with --presence, and all of them by `envfs export {arguments.level}`"
        )
    if arguments.json:
        from envfs_cli.arguments import Mistake

        raise Mistake("a value is printed as it is", "--json goes with --presence")
    level, version, moment = dated_level(arguments.level, arguments.version)
    why = session.given_reason(arguments.reason)
    request = control.ReadView(level, "value", "get", (arguments.name,), version, reason=why, moment=moment)
    reply, blob = session.start_session(arguments.passphrase_file).ask(request)
    masked.note_if_masked(reply)
    output.raw(blob + b"\n" if os.isatty(1) or not blob.endswith(b"\n") else blob)
    return 0


def _say_presence(arguments: GetArguments) -> int:
    from envfs_cli.arguments import name_list
    from envfs_cli.replies import presence

    try:
        only = name_list(arguments.name)
    except ValueError:
        only = (arguments.name,)  # no name, as the daemon says
    asking = session.start_session(arguments.passphrase_file)
    rows = presence.presence_rows(asking, dated_level(arguments.level, arguments.version), only)
    return presence.print_presence(rows, as_json=arguments.json)
