"""`unlock`: give a locked daemon the passphrase of the vault or of one project."""

from envfs.errors import Locked
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client, session
from envfs_cli.terminal import prompts
from envfs_cli.terminal.unseen_typing import UnseenTyping


class UnlockArguments(NamedTuple):
    """The arguments of `unlock`."""

    project: str | None
    ttl: int | None
    passphrase_file: str | None


def run_unlock(arguments: UnlockArguments) -> int:
    """Give a running daemon the passphrase, of the vault or of a project.

    Raises:
        Locked: there is nobody to ask for it, and no file that holds it was named
    """
    try:
        with UnseenTyping():
            asking = session.session_over(client.need_running(), arguments.passphrase_file, arguments.project)
            asking.unlock(arguments.ttl or 0, arguments.project or "")
    except Locked as error:
        raise _without_terminal(error, arguments.project or "") from None
    output.done("unlocked")
    return 0


def _without_terminal(error: Locked, project: str) -> Locked:
    reason = error.__cause__
    return _needs_file(reason.text, error.about, project) if isinstance(reason, prompts.NoTerminal) else error


def _needs_file(reason: str, about: str, project: str) -> Locked:
    # the option is for what was named: a project waits for the vault where that is locked too
    option = "with --passphrase-file, or " if bool(about) == bool(project) else ""
    hint = f"name a file that holds it {option}in {session.passphrase_variable(about)}"
    return Locked(f"{reason} for the passphrase of {f'project {about}' if about else 'the vault'}", hint, about)
