"""What the keyholder gives up once all that it needs is loaded: files, network, other processes."""

from typing import NamedTuple

from envfs.host.process import landlock, seccomp


class Confinement(NamedTuple):
    """What is in force: the version of Landlock (0: none), and why seccomp is not, or the empty string."""

    landlock: int = 0
    no_seccomp: str = "it was not asked for"


def confine() -> Confinement:
    """Give all of it up, for good and for every child; what the kernel or the machine lacks is left out.

    Needs no_new_privs, and one thread. What is open stays open.
    """
    return Confinement(landlock.confine(), seccomp.confine())  # in this order: the second forbids the first
