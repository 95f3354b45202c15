"""A fork that fails in words: a user's limit on processes is no fault of EnvFS."""

import os

from envfs.errors import MountFailed


def fork() -> int:
    """As os.fork().

    Raises:
        MountFailed: this user, or its cgroup, may have no more processes
    """
    try:
        return os.fork()
    except OSError as error:
        raise no_process(error) from None


def no_process(error: OSError) -> MountFailed:
    """Say why no process can be started."""
    return MountFailed(
        f"this process has too low a limit on processes or memory: {os.strerror(error.errno or 0).lower()}",
        "`ulimit -u` and `ulimit -v` show the limits",
    )
