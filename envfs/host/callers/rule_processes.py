"""The processes with which rules end: named while they live, and looked for each time that the rule could count.

Laws: nothing is held open, so no number of them takes descriptors. A number that was given again is another process. A
process that cannot be looked at does not count as alive, and is not said to have ended.
"""

import os

from envfs.core.access.rule import RuleProcess
from envfs.host import clocks
from envfs.host.evidence.pidfds import has_exited, inode_of
from envfs.host.evidence.process_files import process_folder, process_stat


def name_process(pid: int, pidfd: int) -> RuleProcess | None:
    """Name a process by its number and a pidfd of it. None if it cannot be seen here, or has ended."""
    if pid <= 0:
        return None
    try:
        process = RuleProcess(clocks.boot_id(), pid, inode_of(pidfd), _start(pid))
        return None if has_exited(pidfd) else process
    except OSError:
        return None


def lives(process: RuleProcess) -> bool:
    """Tell whether a process is seen to live."""
    return has_ended(process) is False


def has_ended(process: RuleProcess) -> bool | None:
    """Tell whether a process has ended. None: that cannot be told now."""
    if process.boot != clocks.boot_id():
        return True
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # the number comes from a file
        return None
    try:
        inode = inode_of(pidfd)
        is_same = inode == process.pidfd if inode else _start(process.pid) == process.start
        return not is_same or has_exited(pidfd)
    except OSError:
        return None
    finally:
        os.close(pidfd)


def _start(pid: int) -> float:
    with process_folder(pid) as folder:
        return process_stat(folder).started
