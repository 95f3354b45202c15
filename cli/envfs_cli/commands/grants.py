"""`grants`: list the rules."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import rules


class GrantsArguments(NamedTuple):
    """The arguments of `grants`."""

    passphrase_file: str | None
    json: bool


def run_grants(arguments: GrantsArguments) -> int:
    """List the rules."""
    sent = session.start_session(arguments.passphrase_file).rows(control.ListGrants())
    rows = [row for row in sent if isinstance(row, control.GrantRow)]
    if arguments.json:
        output.rows_json(rows)
    else:
        heads = ("ID", "LEVEL", "WHO", "DECISION", "CAN", "UNTIL (UTC)", "MORE")
        output.print_table(
            heads,
            [(row.id, row.level, *rules.rule_cells(row, output.shown_time(row.until))) for row in rows],
            none="there is no rule: nobody but the owner reads anything; `envfs grant /LEVEL --user NAME` makes one",
        )
    return 0
