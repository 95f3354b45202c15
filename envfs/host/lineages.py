"""Lineages: a process and its ancestors, its session's leader and its terminal, read from /proc.

Laws: nothing here raises. A process that cannot be seen ends a lineage, and one that ends while it is looked at leaves
what was seen of it. A caller that waits in the kernel cannot change meanwhile, any other is looked at twice.
"""

import os
from contextlib import suppress

from envfs.core.approvals.lineage import Lineage, Process, Terminal

MOST = 64  # processes of a lineage: a longer one is cut, and judged as one whose beginning cannot be seen
_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_BYTES, _WORDS_BYTES = 4096, 4096
_PTS, _PTS_COUNT, _VIRTUAL, _CONSOLES = 136, 8, 4, 64  # Documentation/admin-guide/devices.txt
_REASON = b"\0ENVFS_REASON="
_ENVIRON_BYTES = 1 << 17


def lineage_of(pid: int) -> Lineage:
    """Return a process, or the process of a thread, and its ancestors. Empty if it cannot be seen."""
    processes: list[Process] = []
    pid = process_of(pid)
    while pid > 0 and len(processes) < MOST and all(process.pid != pid for process in processes):
        seen = _look(pid)
        if seen is None:
            break
        process, pid = seen
        processes.append(process)
    return tuple(processes)


def process_of(thread: int) -> int:
    """Return the process that a thread is of. 0 if it cannot be seen."""
    with suppress(OSError):
        number = _read(f"/proc/{thread}/status", _STAT_BYTES).partition(b"\nTgid:\t")[2].partition(b"\n")[0]
        return int(number) if number.isdigit() else 0
    return 0


def process_at(pid: int) -> Process | None:
    """Return one process. None if it cannot be seen."""
    seen = _look(pid) if pid > 0 else None
    return None if seen is None else seen[0]


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


def reason_of(pid: int) -> str:
    """Return the reason that a process gives in ENVFS_REASON of its environment, of which nothing else is kept."""
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


def _look(pid: int) -> tuple[Process, int] | None:
    try:
        stat = _read(f"/proc/{pid}/stat", _STAT_BYTES)
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    name, _, fields_text = stat.partition(b"(")[2].rpartition(b") ")
    fields = fields_text.split()
    parent, session, terminal = int(fields[1]), int(fields[3]), _device(int(fields[4]))
    program = _program(pid)
    script = _script(pid, program)
    process = Process(pid, int(fields[19]) / _TICKS, session, uid, terminal, program, script, _text(name))
    return process, parent


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


def _script(pid: int, program: str) -> str:
    # the first word that is no option, of an interpreter: what it really runs is its own affair
    with suppress(OSError):
        words = _read(f"/proc/{pid}/cmdline", _WORDS_BYTES).split(b"\0")[1:-1]
        script = next((word for word in words if word and not word.startswith(b"-")), b"")
        return _text(script) if script and program else ""
    return ""


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _read(path: str, most: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, most)
    finally:
        os.close(handle)
