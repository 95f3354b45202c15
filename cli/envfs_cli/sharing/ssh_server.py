"""The server of an engine over ssh, as a person meets it: its key is shown once, and a member's key is let in.

Laws: only ssh itself asks about a server's key, and only at a terminal. A public key goes over standard input. Nothing
else than this one line is written on the server, by its own envfs.
"""

import os
import shlex
import subprocess
import tomllib

from envfs import safe_open
from envfs.courier.address import parse_address
from envfs.courier.engines.ssh.command import UNKNOWN_HOST, end_of_ssh, remote_path, ssh_command
from envfs.errors import BadRequest, EnvFSError, StoreUnavailable
from envfs_cli.daemon import client
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from envfs.courier.address import Address

    T = TypeVar("T")

_SETTINGS_BYTES = 1 << 20
_SECONDS = 60.0
_PERSON_SECONDS = 600.0  # to compare a key
_ONLY_LOOK = ("-o", "PreferredAuthentications=none", "-o", "NumberOfPasswordPrompts=0")


def with_known_host(text: str, work: "Callable[[], T]") -> "T":
    """Do what needs an engine. Where ssh does not know its server, ssh asks about its key, and it is done again.

    Raises:
        EnvFSError: as `work` does
    """
    try:
        return work()
    except StoreUnavailable as error:
        if not error.text.startswith(UNKNOWN_HOST) or not _ask_about_key(parse_address(text)):
            raise
    return work()


def _ask_about_key(address: "Address") -> bool:
    # ssh asks at /dev/tty before it logs in, and remembers the answer. It logs in as nobody
    try:
        prompts.check_terminal("")
    except prompts.NoTerminal:
        return False
    prompts.Waiting.stop()
    command = ["BatchMode=no" if word == "BatchMode=yes" else word for word in ssh_command(address, "true")]
    try:
        subprocess.run(
            [*command[:1], *_ONLY_LOOK, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PERSON_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return True


def own_engine() -> str:
    """Return the address of the engine that this user's settings name, whole. Empty if they name none."""
    path = client.user_locations().settings
    try:
        store = tomllib.loads(safe_open.read_file(path, _SETTINGS_BYTES).decode()).get("store", {})
    except (OSError, ValueError):
        return ""  # a daemon refuses such a file, and says why
    engine = store.get("engine", "") if isinstance(store, dict) else ""
    return engine if isinstance(engine, str) else ""


def admit_key(text: str, key: str) -> None:
    """Let the owner of a public key of ssh use an engine, by the account that this user has on its server.

    Raises:
        BadRequest: the engine is no server of ssh
        EnvFSError: the server does not do it
    """
    address = parse_address(text) if text else None
    if address is None or address.scheme != "ssh":
        raise BadRequest(
            "a key of ssh is for an engine on a server of ssh",
            "leave out --ssh-key; `envfs sync start ssh://vault@server/srv/vault` shares a vault by one",
        )
    folder = shlex.quote(remote_path(address))
    try:
        run = subprocess.run(
            ssh_command(address, f"envfs store invite --append - {folder}"),
            input=key.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            cwd="/",
            env=os.environ,
        )
    except FileNotFoundError:
        raise EnvFSError("the program ssh is not installed", "apt install openssh-client") from None
    except (OSError, subprocess.TimeoutExpired):
        raise StoreUnavailable(f"{address.host} does not answer") from None
    if run.returncode:
        error = end_of_ssh(address, run.returncode, run.stderr)
        error.hint = (
            f"with an account there that has a shell: `envfs store invite KEY.pub {remote_path(address)} --append`"
        )
        raise error
