"""The daemon as a service manager runs it: in the foreground, without a question to anybody."""

import os
import sys

from envfs import interpreter, locations, safe_open
from envfs_cli import standard_streams
from envfs_cli.daemon import client, launch, mount_lock
from envfs_cli.services.users import ServiceUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def become_service() -> "NoReturn":
    """Become the daemon: the system's, where root made its folder for this user, or this user's own. It starts locked.

    One that cannot gain privileges cannot mount by fusermount3. It waits for `attach`.


    Raises:
        AlreadyExists: a daemon runs here
    """
    is_system = owns_system_folder()
    command = interpreter.start_command("envfs.daemon.__main__", "serve", "--service" if is_system else "--locked")
    if not is_system and _is_bound():
        command.append("--attached")
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


def run_outside(action: str, user: ServiceUser | None) -> int:
    """Have the daemon's side mount, or take a mount away: the system's for root, a user's for that user."""
    command = interpreter.start_command("envfs.daemon.__main__", action)
    environment = launch.daemon_environment(client.user_locations())
    if user is not None:
        command += ["--user", str(user.uid)]
        environment = {name: environment[name] for name in ("PATH", "LANG") if name in environment} | user.environment
    return os.spawnve(os.P_WAIT, sys.executable, command, environment)  # noqa: S606


def _is_bound() -> bool:
    # of a process that cannot gain privileges (PR_SET_NO_NEW_PRIVS in prctl(2))
    try:
        status = safe_open.read_file("/proc/self/status", 1 << 16)
    except OSError:
        return False
    return b"\nNoNewPrivs:\t1\n" in status
