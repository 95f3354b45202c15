"""The origin of a caller: what started it, and where it runs. For the access log and for people."""

from typing import NamedTuple


class Origin(NamedTuple):
    """The origin of a process, as it was when the daemon met it. Nothing is decided by it.

    `tree` are the executables of its ancestors, the nearest first. `script` is the path that its command line gives an
    interpreter. `unit` is systemd's name for its cgroup, `session` its session's id (setsid(2)). `namespaces` are the
    kinds of namespaces(7) that it does not share with the daemon: there its paths may mean other files.
    """

    tree: tuple[str, ...] = ()
    script: str = ""
    unit: str = ""
    session: int = 0
    namespaces: tuple[str, ...] = ()


NO_ORIGIN = Origin()
