"""Limits of a process: a low one is reported at the start, and not at the first file that cannot be opened."""

import resource

from envfs.errors import MountFailed

_LEAST = (
    (resource.RLIMIT_NOFILE, 32, "open files", "-n", 1),
    (resource.RLIMIT_FSIZE, 64 << 20, "the size of a file", "-f", 1024),
)


def check_limits() -> None:
    """Raise a limit that may be raised, and say which one is too low for the work.

    Raises:
        MountFailed: one is
    """
    for limit, least, resource_name, option, unit in _LEAST:
        soft, hard = resource.getrlimit(limit)
        if soft != hard:
            resource.setrlimit(limit, (hard, hard))
        if hard != resource.RLIM_INFINITY and hard < least:
            raise MountFailed(
                f"the limit on {resource_name} is too low: {hard // unit}, and at least {least // unit} are needed",
                f"raise it, in the shell with `ulimit {option} {least // unit}`, under systemd with a Limit… setting",
            )
