"""`keyring`: keep the identity in a keyring, so that no passphrase is needed."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import join_refusals, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class KeyringArguments(NamedTuple):
    """The arguments of `keyring`."""

    action: "Literal['add', 'remove']"
    keyring: "Literal['secret-service', 'kernel'] | None"
    passphrase_file: str | None


def run_keyring(arguments: KeyringArguments) -> int:
    """Keep the identity in a keyring, or take it out.

    Raises:
        BadRequest: this command acts by a join secret
    """
    join_refusals.refuse_join_secret(
        "its identity is in the secret", "name a file that holds the secret in ENVFS_JOIN_FILE"
    )
    match arguments.action:
        case "add":
            return _add(arguments)
        case "remove":
            session.start_session(arguments.passphrase_file).reply(control.ForgetIdentity())
            output.done("the identity is in no keyring any more")
            return 0
        case _:
            raise Unhandled(arguments.action)


def _add(arguments: KeyringArguments) -> int:
    if arguments.keyring is None:
        raise Mistake("which keyring?", "`envfs keyring add kernel` or `envfs keyring add secret-service`")
    asking = session.start_session(arguments.passphrase_file)
    asking.with_passphrase(control.KeepIdentity(arguments.keyring), "copying the identity")
    output.done(f"the identity is in the {arguments.keyring} keyring as well")
    return 0
