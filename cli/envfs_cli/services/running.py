"""The daemon as a service manager runs it: in the foreground, without a question to anybody."""

import os
import sys

from envfs import interpreter, locations
from envfs.errors import NotApproved
from envfs_cli import standard_streams
from envfs_cli.daemon import client, launch, mount_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def become_service() -> "NoReturn":
    """Become the daemon: the system's, where root made its folder for this user, or this user's own. It starts locked.

    Raises:
        AlreadyExists: a daemon runs here
    """
    is_system = owns_system_folder()
    command = interpreter.start_command("envfs.daemon.__main__", "serve", "--service" if is_system else "--locked")
    if not is_system and (lock := mount_lock.lock_for_mount()) >= 0:
        command += ["--lock", str(lock)]
    standard_streams.give_nothing()
    os.execve(sys.executable, command, launch.daemon_environment(client.user_locations()))  # noqa: S606


def owns_system_folder() -> bool:
    """Tell whether this user, who is not root, is the one whom root chose for the system's service."""
    try:
        owner = os.lstat(locations.system_locations().runtime).st_uid
    except OSError:
        return False
    return os.geteuid() == owner != 0


def run_as_root(action: str) -> int:
    """Have the daemon's side mount, or take a mount away.

    Raises:
        NotApproved: this is not root
    """
    if os.geteuid() != 0:
        raise NotApproved(f"the action {action} is for root", "the unit runs it with a + before its path")
    command = interpreter.start_command("envfs.daemon.__main__", action)
    return os.spawnve(os.P_WAIT, sys.executable, command, launch.daemon_environment(client.user_locations()))  # noqa: S606
