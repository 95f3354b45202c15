"""The lock of a home, taken for a daemon that is going to serve it."""

import os

from envfs.errors import AlreadyExists
from envfs_cli.daemon import client
from envfs_cli.daemon.vault_lock import VaultLock


def lock_for_mount() -> int:
    """Take the lock for a daemon that is going to serve. Return its descriptor, or -1 if there is none to be had.

    Raises:
        AlreadyExists: a daemon serves here meanwhile
        Conflict: another process keeps the vault for itself
    """
    lock = VaultLock(client.user_locations())
    if client.take_lock(lock) is not None:
        raise AlreadyExists("a daemon runs here already", "`envfs status` shows it; `envfs unmount` ends it")
    if lock.handle >= 0:
        os.set_inheritable(lock.handle, True)
    return lock.handle
