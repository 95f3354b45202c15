"""The origin of a caller: its script, the processes above it, its session and its unit, as the log names them.

Law: it is evidence for people. No decision rests on it, for a process can choose its name and its parent.
"""

from typing import NamedTuple


class Origin(NamedTuple):
    """The signs of a caller beside its executable. Empty where it could not be seen.

    `script` is the file that an interpreter runs, `command` the process's name (comm, proc(5)) where that is not its
    executable's. `ancestors` are the processes above it, the nearest first, each as its executable, with its name in
    brackets where that is another one. `session` is the id of its session (setsid(2)), `unit` its systemd unit.
    `process` tells it from every other process that has its number, before and after it (`process_key`).
    """

    script: str = ""
    command: str = ""
    ancestors: tuple[str, ...] = ()
    session: int = 0
    unit: str = ""
    process: str = ""


UNSEEN = Origin()
_BOOT_LETTERS, _HUNDREDTHS = 8, 100  # the kernel tells a start in hundredths
_COMM_BYTES = 15  # the kernel keeps no more of a process's name


def process_key(boot: str, started: float) -> str:
    """Name a process beside its number: the boot's id, of which eight letters do, and its start in seconds of it."""
    return f"{boot[:_BOOT_LETTERS]}-{round(started * _HUNDREDTHS)}"


def own_name(executable: str, command: str) -> str:
    """Return a process's name. Empty if it is its executable's."""
    name = executable.rpartition("/")[2].removesuffix(" (deleted)")
    return (
        ""
        if name.encode(errors="surrogateescape")[:_COMM_BYTES] == command.encode(errors="surrogateescape")
        else command
    )


def ancestor(executable: str, command: str) -> str:
    """Write one process of a tree: its executable, and in brackets its name, where that is another one."""
    name = own_name(executable, command)
    return " ".join(part for part in (executable, f"({name})" if name else "") if part)
