"""`recovery`: make a recovery sheet that opens every managed project."""

from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.files import check_new, write_new
from envfs_cli.recovery_sheet import make_recovery_key, sheet_text


class RecoveryArguments(NamedTuple):
    """The arguments of `recovery`."""

    recipient: str | None
    output: str | None
    passphrase_file: str | None
    json: bool


def run_recovery(arguments: RecoveryArguments) -> int:
    """Make a recovery key and print its sheet."""
    path = arguments.output
    if path and not arguments.recipient:
        check_new(path)  # a key that cannot be written down would open everything for nobody
    elif not arguments.recipient:
        output.check_writable()
    reply, identity = make_recovery_key(session.start_session(arguments.passphrase_file), arguments.recipient or "")
    if arguments.json:
        output.as_json({**reply._asdict(), "identity": identity} if identity else reply._asdict())
        return 0
    for text in reply.notes:
        output.note(text)
    if not identity:
        output.done(f"{reply.sealed} project{'s' * (reply.sealed != 1)} sealed to it as well")
    elif path:
        write_new(path, sheet_text(reply.recipient, identity).encode())
    else:
        output.print_line(sheet_text(reply.recipient, identity).rstrip())
    return 0
