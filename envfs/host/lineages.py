"""Lineages: a process and its ancestors, its session's leader and its terminal, read from /proc.

Laws: nothing here raises. A process that cannot be seen ends a lineage, and one that ends while it is looked at leaves
what was seen of it. A caller that waits in the kernel cannot change meanwhile, any other is looked at twice.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress

from envfs.core.approvals.lineage import Lineage, Process, Terminal, is_complete
from envfs.host import callers
from envfs.host.evidence.process_files import cgroup_in

MOST = 64  # processes of a lineage. A longer one is cut, and is not complete
_TRIES = 3
_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_BYTES, _WORDS_BYTES, _CGROUP_BYTES = 4096, 4096, 4096
_PTS, _PTS_COUNT, _VIRTUAL, _CONSOLES = 136, 8, 4, 64  # Documentation/admin-guide/devices.txt
_REASON = b"\0ENVFS_REASON="
_ENVIRON_BYTES = 1 << 17


def lineage_of(pid: int) -> Lineage:
    """Return a process, or the process of a thread, and its ancestors. Empty if it cannot be seen.

    For a thread: memory of the processes is read, and a process can let anybody wait who reads that.
    """
    pid = callers.process(pid)
    lineage: Lineage = ()
    for _ in range(_TRIES):  # an ancestor may end while it is looked at, and another one takes its place
        lineage = tuple(itertools.islice(_ancestry(pid), MOST))
        if is_complete(lineage):
            break
    return lineage


def _ancestry(pid: int) -> Iterator[Process]:
    while (process := process_at(pid)) is not None:
        yield process._replace(script=_script(pid)) if process.program else process
        pid = process.parent


def process_at(pid: int) -> Process | None:
    """Return one process, without its script. None if it cannot be seen."""
    if pid <= 0:
        return None
    try:
        stat = _read(f"/proc/{pid}/stat", _STAT_BYTES)
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    name, _, fields_text = stat.partition(b"(")[2].rpartition(b") ")
    fields = fields_text.split()
    return Process(
        pid=pid,
        start=int(fields[19]) / _TICKS,
        session=int(fields[3]),
        uid=uid,
        terminal=_device(int(fields[4])),
        program=_program(pid),
        name=_text(name),
        parent=int(fields[1]),
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
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")
    return ""


def cgroup_of(pid: int) -> str:
    """Return the path of a process's cgroup (cgroups(7), version 2). Empty if it cannot be seen."""
    with suppress(OSError):
        return cgroup_in(_read(f"/proc/{pid}/cgroup", _CGROUP_BYTES))
    return ""


def reason_of(pid: int) -> str:
    """Return the reason that a process gives in ENVFS_REASON of its environment, of which nothing else is kept.

    For a thread, as `lineage_of`.
    """
    environ = bytearray(1 + _ENVIRON_BYTES)  # behind a NUL, so that the first entry looks like the others
    try:
        handle = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        with memoryview(environ) as space:
            size = 1 + os.readv(handle, [space[1:]])
        start = environ.find(_REASON, 0, size)
        end = environ.find(b"\0", start + 1, size)
        return _text(bytes(environ[start + len(_REASON) : end])) if 0 <= start < end else ""
    except OSError:
        return ""
    finally:
        environ[:] = bytes(len(environ))
        os.close(handle)


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


def _program(pid: int) -> str:
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")
    return ""


def _script(pid: int) -> str:
    # the first word that is no option: of most interpreters it is the script
    with suppress(OSError):
        words = _read(f"/proc/{pid}/cmdline", _WORDS_BYTES).split(b"\0")[1:-1]
        script = next((word for word in words if word and not word.startswith(b"-")), b"")
        return _text(script)
    return ""


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _read(path: str, most: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, most)
    finally:
        os.close(handle)
