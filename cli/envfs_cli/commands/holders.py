"""`holders`: list the processes that have a value of a variable, and restart or signal those with an old one."""

from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.holders import listing, restarting


class HoldersArguments(NamedTuple):
    """The arguments of `holders`."""

    level: str
    name: str
    version: int | None
    before: int | None
    restart: bool
    signal: str | None
    yes: bool
    passphrase_file: str | None
    json: bool


def run_holders(arguments: HoldersArguments) -> int:
    """List the processes, or restart or signal them.

    Raises:
        Mistake: both a version and one before which, or no such signal
    """
    if arguments.version is not None and arguments.before is not None:
        raise Mistake("--version is one value, and --before all older ones", "use one of the two")
    if 0 in (arguments.version, arguments.before):
        raise Mistake("versions count from 1")
    number = 0 if arguments.signal is None else restarting.signal_number(arguments.signal)
    link = session.start_session(arguments.passphrase_file)
    level, name = arguments.level, arguments.name
    listed = listing.list_holders(link, level, name, version=arguments.version or 0, before=arguments.before or 0)
    if arguments.restart or number:
        for text in listed.notes:
            output.note(text)
        steps = restarting.plan_restarts(listed.rows, number, has_units=arguments.restart)
        return restarting.report_outcomes(restarting.carry_out(steps, link, yes=arguments.yes), as_json=arguments.json)
    if arguments.json:
        output.rows_json(listed.rows)
    else:
        listing.print_holders(listed.rows)
    for text in listed.notes:
        output.note(text)
    return 0
