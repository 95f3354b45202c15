"""Core dumps: the client leaves none, as it may hold values. Its command may, as the caller had it (getrlimit(2)).

The program before the interpreter takes the limit away, and says in an option what it was (cli/launcher.c).
"""

import sys

OPTION = "envfs-core"


def given_limit() -> str:
    """Return the caller's limit as the option has it. Empty where nothing was taken away."""
    return str(sys._xoptions.get(OPTION, ""))  # noqa: SLF001 - its documented name


def restore_core_limit() -> None:
    """Give the limit back to what follows in this process."""
    if not given_limit():
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (int(given_limit()), resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ValueError, OSError):  # somebody lowered the hard limit meanwhile
        return
