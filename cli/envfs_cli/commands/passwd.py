"""`passwd`: change the passphrase of the identity or of a project."""

from contextlib import suppress

from envfs.core import names
from envfs.core.keyfile import Custody
from envfs.errors import EnvFSError, WrongPassphrase
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.daemon import join_refusals, session
from envfs_cli.replies.projects import need_project
from envfs_cli.terminal import prompts

_REPLACE = "`envfs member invite NAME --machine` at an owner's home prints another secret"


class PasswdArguments(NamedTuple):
    """The arguments of `passwd`."""

    project: str | None
    passphrase_file: str | None
    new_passphrase_file: str | None


def run_passwd(arguments: PasswdArguments) -> int:
    """Change a passphrase.

    Raises:
        BadRequest: this command acts by a join secret
    """
    join_refusals.refuse_join_secret("has no passphrase", _REPLACE)
    name = names.parse_level(arguments.project) if arguments.project else ""
    new_file = arguments.new_passphrase_file
    # what a file lacks is said before anybody is asked
    new = secrets.new_passphrase(new_file, name) if new_file else -1
    asking = session.start_session(arguments.passphrase_file, arguments.project)
    _check_there_is_one(asking, name)
    if new < 0:
        prompts.check_terminal("name a file that holds the new passphrase with --new-passphrase-file")
    asking.passphrase(name)
    asking.let_go()
    if new < 0:
        new = secrets.new_passphrase(None, name)
    request = control.ChangeProjectPassphrase(name) if name else control.ChangePassphrase()
    asking.tried(name, lambda old: asking.ask(request, (old, new)), "changing the passphrase")
    output.done("the passphrase is changed")
    return 0


def _check_there_is_one(asking: session.Session, name: str) -> None:
    if not name:
        with suppress(WrongPassphrase):  # whether it is under one is known before anybody is asked
            asking.ask(control.ChangePassphrase())
    elif need_project(asking, name).custody != Custody.ZERO_KNOWLEDGE:
        raise EnvFSError(
            f"project {name} has no passphrase of its own", "`envfs passwd` changes that of the vault's identity"
        )
