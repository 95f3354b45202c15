"""Joining a vault by its engine: its list of members is fetched, the code is asked for, and an approval is awaited.

Laws: nothing else is fetched before somebody has let this home in, and then its own part of the vault alone. A home
that has an identity fetches nothing. To wait changes nothing: an approval counts without it as well.
"""

import os
import time

from envfs import safe_open
from envfs.core.shared_keys import DESCRIPTION
from envfs.errors import AlreadyExists, Conflict, EnvFSError, NotApproved
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.daemon import client
from envfs_cli.sharing.copying import check_copied, pull_vault
from envfs_cli.sharing.ssh_server import with_known_host
from envfs_cli.sharing.typed_addresses import engine_address
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session

_ASKED_FIRST = (DESCRIPTION, "member/")
_SETTINGS_BYTES = 1 << 20
_STEP = 0.5  # between two looks at the list of members
_KEYS_SECONDS = 30.0  # keys come after the approval. A project that is damaged holds nobody up for longer


def is_begun() -> bool:
    """Tell whether this home has made an identity to join a vault with. Whether it is in is seen in the list."""
    return os.path.exists(client.user_locations().identity) and bool(_setting("identity", "founder"))


def _setting(table: str, name: str) -> str:
    import tomllib

    try:
        body = tomllib.loads(safe_open.read_file(client.user_locations().settings, _SETTINGS_BYTES).decode())
    except (OSError, ValueError, EnvFSError):
        return ""  # the daemon says what is wrong with them
    section = body.get(table)
    return str(section.get(name, "")) if isinstance(section, dict) else ""


def fetch_vault(text: str) -> str:
    """Copy the description of an engine's vault and its list of members into this home. Return the engine's address.

    Raises:
        AlreadyExists: this home has a vault of its own
        Conflict: it has a copy of another vault
        EnvFSError: the engine cannot be used
    """
    address = engine_address(text)
    places = client.user_locations()
    if is_begun():
        return address
    if os.path.exists(places.identity):
        raise AlreadyExists(
            f"this home has an identity already, at {places.identity}",
            "one that joined needs no more; for a second vault choose another home by ENVFS_HOME",
        )
    report = with_known_host(address, lambda: pull_vault(address, _ASKED_FIRST))
    if not report.copied and not report.there:
        raise Conflict("there is no vault yet at that address", "`envfs sync start` with it, on a machine that has one")
    check_copied(report)
    return address


def await_approval(link: "Session", joined: control.Joined, passphrase: "tuple[int, ...]") -> None:
    """Wait until the vault opens with this home's identity, and the keys for it are here."""
    output.flush()
    output.note("waiting for the approval (Ctrl-C ends the wait, and the approval counts all the same)")
    with prompts.Waiting("waiting for the approval"):
        tried = -1
        while True:
            entries = _entries(link)
            if entries != tried and _is_let_in(link, passphrase):  # each look at the identity takes a second
                break
            tried = entries
            time.sleep(_STEP)
        until = time.monotonic() + _KEYS_SECONDS
        while not _has_keys(link) and time.monotonic() < until:
            time.sleep(_STEP)
    output.done(f"you are in, as {output.clean(joined.name)}: `envfs mount` serves the vault")


def _entries(link: "Session") -> int:
    report = link.reply(control.DescribeSharing())
    return report.members if isinstance(report, control.SharingReport) else 0


def _is_let_in(link: "Session", passphrase: "tuple[int, ...]") -> bool:
    try:
        link.reply(control.Unlock(), passphrase)
    except NotApproved:
        return False
    return True


def _has_keys(link: "Session") -> bool:
    report = link.reply(control.DescribeSharing())
    if not isinstance(report, control.SharingReport) or report.behind:
        return False  # the texts come behind the keys
    rows = link.rows(control.ListProjects())  # a row of another kind: a key that is not sealed to this device yet
    return any(isinstance(row, control.ProjectRow) and row.unlocked for row in rows) and not any(
        isinstance(row, control.FaultRow) for row in rows
    )
