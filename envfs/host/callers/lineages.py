"""Lineages: a process and its ancestors, its session's leader and its terminal, read from /proc.

Laws: nothing here raises. A process that cannot be seen ends a lineage, and one that ends while it is looked at leaves
what was seen of it. A caller that waits in the kernel cannot change meanwhile, any other is looked at twice. The script
of a process is what it may be, for a person to see and for an agent to be noticed by. It lets nobody in.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import closing, suppress

from envfs.core.approvals.lineage import Lineage, Process, Terminal, is_complete
from envfs.host.evidence.ancestors import walk_ancestors
from envfs.host.evidence.process_files import (
    ProcessStat,
    cgroup_in,
    command_line,
    environment_word,
    executable_path,
    process_folder,
    process_of,
    process_stat,
    read_process_file,
    working_folder,
)
from envfs.host.evidence.script_words import likely_script

MOST = 64  # processes of a lineage. A longer one is cut, and is not complete
_TRIES = 3
_PTS, _PTS_COUNT, _VIRTUAL, _CONSOLES = 136, 8, 4, 64  # Documentation/admin-guide/devices.txt
_REASON = b"ENVFS_REASON"


def lineage_of(pid: int) -> Lineage:
    """Return a process, or the process of a thread, and its ancestors. Empty if it cannot be seen.

    For a thread: memory of the processes is read, and a process can let anybody wait who reads that.
    """
    pid = process_of(pid)
    lineage: Lineage = ()
    for _ in range(_TRIES):  # an ancestor may end while it is looked at, and another one takes its place
        lineage = tuple(_ancestry(pid))
        if is_complete(lineage):
            break
    return lineage


def _ancestry(pid: int) -> Iterator[Process]:
    with suppress(OSError), process_folder(pid) as folder:
        stat = process_stat(folder)
        yield _with_script(folder, _process(folder, stat))
        with closing(walk_ancestors(folder, stat)) as walk:
            for above, stat_above in itertools.islice(walk, MOST - 1):
                yield _with_script(above, _process(above, stat_above))


def process_at(pid: int) -> Process | None:
    """Return one process, without its script. None if it cannot be seen."""
    if pid <= 0:
        return None
    with suppress(OSError), process_folder(pid) as folder:
        return _process(folder, process_stat(folder))
    return None


def _process(folder: int, stat: ProcessStat) -> Process:
    return Process(
        pid=stat.pid,
        start=stat.started,
        session=stat.session,
        uid=os.fstat(folder).st_uid,
        terminal=_device(stat.terminal),
        program=_program(folder),
        name=stat.name,
        parent=stat.parent,
    )


def terminal_of(process: Process) -> Terminal | None:
    """Return the controlling terminal of a process. None for one without, or whose device cannot be seen here."""
    path = _terminal_path(process.terminal)
    with suppress(OSError):
        status = os.stat(path)
        if status.st_rdev == process.terminal:
            return Terminal(path, status.st_ctime_ns)
    return None


def folder_of(pid: int) -> str:
    """Return the folder in which a process is. Empty if it cannot be seen."""
    with suppress(OSError), process_folder(pid) as folder:
        return working_folder(folder)
    return ""


def cgroup_of(pid: int) -> str:
    """Return the path of a process's cgroup (cgroups(7), version 2). Empty if it cannot be seen."""
    with suppress(OSError), process_folder(pid) as folder:
        return cgroup_in(read_process_file(folder, "cgroup"))
    return ""


def reason_of(pid: int) -> str:
    """Return the reason that a process gives in ENVFS_REASON of its environment, of which nothing else is kept.

    For a thread, as `lineage_of`.
    """
    with suppress(OSError), process_folder(pid) as folder:
        return os.fsdecode(environment_word(folder, _REASON))
    return ""


def _device(number: int) -> int:
    # as stat(2) has it: the old coding keeps the lower bits of the minor number in front of the major one
    number &= 0xFFFFFFFF
    return os.makedev((number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)) if number else 0


def _terminal_path(device: int) -> str:
    major, minor = os.major(device), os.minor(device)
    if _PTS <= major < _PTS + _PTS_COUNT:
        return f"/dev/pts/{minor + ((major - _PTS) << 8)}"
    if major == _VIRTUAL:
        return f"/dev/tty{minor}" if minor < _CONSOLES else f"/dev/ttyS{minor - _CONSOLES}"
    return ""


def _program(folder: int) -> str:
    with suppress(OSError):  # a zombie, or a thread of the kernel
        return executable_path(folder)
    return ""


def _with_script(folder: int, process: Process) -> Process:
    with suppress(OSError):
        if process.program:
            return process._replace(script=os.fsdecode(likely_script(command_line(folder))))
    return process
