"""`verify`: check every record of the vault, its index, its marks and the log."""

from envfs.errors import AuthenticationFailed
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.daemon import session
from envfs_cli.terminal import prompts


class VerifyArguments(NamedTuple):
    """The arguments of `verify`."""

    repair: bool
    passphrase_file: str | None
    json: bool


def run_verify(arguments: VerifyArguments) -> int:
    """Check every record of the vault."""
    rows: list[object] = []
    link = session.start_session(arguments.passphrase_file)
    with prompts.Waiting("checking every record"):
        reply, _ = link.ask(control.VerifyVault(arguments.repair), (), rows)
    faults = [row for row in rows if isinstance(row, control.FaultRow)]
    if not isinstance(reply, control.Checked):
        return exit_status.BUG
    if arguments.json:
        members = {"looked_at": reply.looked_at, "failed": reply.failed, "notes": reply.notes}
        output.as_json({**members, "faults": [fault._asdict() for fault in faults]})
    else:
        for fault in faults:
            output.print_line(output.clean(f"{fault.key}: {fault.reason}"))
        for text in reply.notes:
            output.note(text)
        output.print_line(f"{reply.looked_at} records looked at, {reply.failed} failed")
    return AuthenticationFailed.status if reply.failed else 0
