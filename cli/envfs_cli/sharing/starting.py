"""Begin to share this machine's vault by an engine: it is made ready if there is none, and gets what is here.

Laws: an engine with another vault is left as it is. The settings name the engine once everything is there. A folder is
not made: a path that was mistyped, or leads to a stick that is not there, must not look like a shared vault.
"""

import os
import shlex
from contextlib import ExitStack

from envfs.errors import EnvFSError, NotApproved, NoVault, StoreUnavailable
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.daemon import client, join_refusals, session
from envfs_cli.sharing.copying import check_copied, copy_records, own_vault
from envfs_cli.sharing.courier import EngineCourier
from envfs_cli.sharing.ssh_server import with_known_host
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.sharing.transfer import Transferred


def start_sharing(address: str, passphrase_file: "str | None") -> "Transferred":
    """Share this vault by an engine. Return what was copied to it.

    Raises:
        NoVault: there is no vault here
        Conflict: the engine has another vault
        EnvFSError: it cannot be used, or the settings name another one
        BadRequest: there is a join secret
    """
    join_refusals.refuse_join_secret("its vault is shared already")
    if not os.path.exists(client.user_locations().vault):
        raise NoVault("there is no vault here", "make one with `envfs init`, or join one: `envfs member join ADDRESS`")
    asking = session.start_session(passphrase_file)
    asking.reply(control.ShareVault(address, dry=True))
    _check_folder(address)
    with prompts.Waiting("connecting"):
        writer = with_known_host(address, lambda: _ready(address))
    with writer, EngineCourier(own_vault()) as reader:
        report = copy_records(reader.begin(), writer)
    check_copied(report)
    asking.reply(control.ShareVault(address))
    return report


def _check_folder(address: str) -> None:
    path = address.removeprefix("folder:") if address.startswith("folder:") else ""
    if path and not os.path.isdir(path):
        raise StoreUnavailable(
            f"there is no folder {output.clean(path)}",
            f"`envfs store init {shlex.quote(path)}` makes it; a server's address is as ssh://vault@server/srv/vault",
        )


def _ready(address: str) -> EngineCourier:
    # one that is ready answers. Where a member's key may add records alone, nothing can be made ready
    with ExitStack() as stack:
        courier = stack.enter_context(EngineCourier(address))
        try:
            courier.begin().list_keys()
        except NotApproved:
            raise
        except EnvFSError as error:
            problem = error
        else:
            stack.pop_all()
            return courier
    with EngineCourier(address) as courier:
        try:
            courier.prepare(())
        except EnvFSError as error:
            raise (problem if isinstance(error, NotApproved) else error) from None
    output.note("the engine was made ready for a vault")
    return EngineCourier(address).begin()
