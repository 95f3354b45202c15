"""Confinement: once all is loaded, the keyholder gives up files, network and other processes."""

from typing import NamedTuple

from envfs.host.process import landlock, seccomp


class Confinement(NamedTuple):
    """The confinement in force: the version of Landlock (0: none), and why seccomp is not, or the empty string."""

    landlock: int = 0
    no_seccomp: str = "it was not asked for"


def confine_keyholder() -> Confinement:
    """Give all of it up, for good and for every child; what the kernel or the machine lacks is left out.

    Needs no_new_privs, and one thread. Open descriptors stay open.
    """
    return Confinement(
        landlock.confine_landlock(), seccomp.confine_seccomp()
    )  # in this order: the second forbids the first
