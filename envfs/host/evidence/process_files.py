"""The files of a process's folder in /proc (proc_pid_stat(5), proc_pid_status(5)), read within a bound.

Laws: each fact of a process is read here, and nowhere else. The folder is open, and dies with its process, so nothing
that is read here is of another process that got the number later. A process may choose some of these texts (its name,
its arguments), so they may have any bytes. Only the command line and the environment are memory of the process. To read
them can wait for a lock that the process holds for as long as it likes, so a thread does that.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

_BYTES = 4096
_AFTER_NAME = 3  # the number in proc_pid_stat(5) of the first field after the name
_PARENT, _SESSION, _TERMINAL, _START = 4 - _AFTER_NAME, 6 - _AFTER_NAME, 7 - _AFTER_NAME, 22 - _AFTER_NAME
_FLAGS, _HAS_EXECUTED_NOTHING = 9 - _AFTER_NAME, 0x40  # PF_FORKNOEXEC (include/linux/sched.h)
_CODE = slice(26 - _AFTER_NAME, 29 - _AFTER_NAME)  # where code and stack are
_DATA = slice(45 - _AFTER_NAME, 52 - _AFTER_NAME)  # where data, arguments and environment are
_FIELDS = 52 - _AFTER_NAME
_MOST_STATUS_BYTES = 1 << 20  # 65,536 groups of eleven characters each, at most
_COMMAND_BYTES, _ENVIRON_BYTES = 16 << 10, 1 << 17
_DIGITS = 20
_HIERARCHY = b"0::"
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessStat(NamedTuple):
    """The content of `stat`: numbers of the process, its parent, session and terminal, its start, its memory's layout.

    `terminal` is the device number of the controlling terminal as `stat` has it, 0 for none. `started` is in seconds
    since the boot. Each exec lays the memory out again, at addresses that the kernel draws. So `layout` is another one
    after it. `name` is the short name that the process has for itself (comm), and may have any characters. `is_fork` of
    a process that was made by fork(2) and has not exec'd since: it runs what its parent ran.
    """

    pid: int
    parent: int
    session: int
    started: float
    layout: tuple[bytes, ...]
    terminal: int = 0
    name: str = ""
    is_fork: bool = False

    @property
    def run(self) -> "ProcessStat":
        """All that stays the same while a process runs one program: its name and its terminal may change."""
        return self._replace(terminal=0, name="")


def process_numbers() -> list[int]:
    """List the processes that can be seen here."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def open_process(pid: int) -> int:
    """Open the folder of a process or thread.

    Raises:
        OSError: there is no such process
    """
    return os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


@contextlib.contextmanager
def process_folder(pid: int) -> Iterator[int]:
    """Have the folder of a process or thread open for the block.

    Raises:
        OSError: there is no such process
    """
    folder = open_process(pid)
    try:
        yield folder
    finally:
        os.close(folder)


def read_process_file(folder: int, name: str, limit: int = _BYTES) -> bytes:
    """Read at most `limit` bytes of a file in the folder of a process.

    Raises:
        OSError: the process is gone, or the file may not be read
    """
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(handle, limit)
    finally:
        os.close(handle)


def process_status(folder: int) -> bytes:
    """Read `status` to its end. A process may be in thousands of groups.

    Raises:
        OSError: the process is gone, or the text has no end
    """
    handle = os.open("status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        text, asked = os.read(handle, _BYTES), _BYTES
        while len(text) >= asked:  # the kernel gives less than it is asked for at the end alone
            if len(text) > _MOST_STATUS_BYTES:
                raise ProcessLookupError
            asked += _MOST_STATUS_BYTES
            text += os.read(handle, _MOST_STATUS_BYTES)
        return text
    finally:
        os.close(handle)


def process_stat(folder: int) -> ProcessStat:
    """Read where a process stands.

    Raises:
        OSError: the process is gone
    """
    return parse_stat(read_process_file(folder, "stat"))


def parse_stat(text: bytes) -> ProcessStat:
    """Read the text of `stat`. The name in it may have any bytes, brackets and line feeds among them.

    Raises:
        OSError: it is none
    """
    head, _, numbers = text.rpartition(b") ")
    number, _, name = head.partition(b" (")
    fields = numbers.split()
    try:
        pid, start = int(number), int(fields[_START])
        parent, session, terminal = int(fields[_PARENT]), int(fields[_SESSION]), int(fields[_TERMINAL])
        is_fork = bool(int(fields[_FLAGS]) & _HAS_EXECUTED_NOTHING)
    except (IndexError, ValueError):
        raise ProcessLookupError from None
    if len(fields) < _FIELDS:
        raise ProcessLookupError
    layout = (*fields[_CODE], *fields[_DATA])
    return ProcessStat(pid, parent, session, start / _TICKS, layout, terminal, os.fsdecode(name), is_fork)


def cgroup_in(text: bytes) -> str:
    """Return the path in the text of `cgroup` (cgroups(7), version 2), empty if there is none.

    A user may call a cgroup of its own `0::`, and no name has a line feed.
    """
    line = next((line for line in text.split(b"\n") if line.startswith(_HIERARCHY)), b"")
    return line.removeprefix(_HIERARCHY).decode(errors="replace")


def status_numbers(status: bytes, name: bytes) -> tuple[int, ...]:
    """Return the numbers in a line of `status`: `Uid`, `Tgid`, `Groups`. Empty if there is no such line."""
    line = status.partition(b"\n" + name + b":")[2].partition(b"\n")[0]
    return tuple(int(word) for word in line.split() if word.isdigit() and len(word) <= _DIGITS)


def process_of(thread: int) -> int:
    """Return the process that a thread is of. `thread` itself where that cannot be told."""
    try:
        with process_folder(thread) as folder:
            return leader_in(process_status(folder), thread)
    except OSError:
        return thread


def leader_in(status: bytes, thread: int) -> int:
    """Return the process that a thread is of, by the text of its `status`."""
    return next(iter(status_numbers(status, b"Tgid")), thread)


def executable_path(folder: int, name: str = "exe") -> str:
    """Return the path of the file that a process runs, as its mount namespace has it.

    With an empty `name`, `folder` is the link itself, open: it is read in two thirds of the time.

    Empty where this daemon may not look: at a process of another user, or a thread of the kernel.

    Raises:
        OSError: the process is gone
    """
    try:
        return os.readlink(name, dir_fd=folder)
    except PermissionError:
        return ""


def open_paths(folder: int) -> set[str]:
    """Return the paths of what a process has open, as its descriptors name them.

    Raises:
        OSError: the process is gone, or this daemon may not look
    """
    paths = set()
    handle = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        for number in os.listdir(handle):
            with contextlib.suppress(OSError):
                paths.add(os.readlink(number, dir_fd=handle))
    finally:
        os.close(handle)
    return paths


def working_folder(folder: int) -> str:
    """Return the working folder of a process.

    Raises:
        OSError: the process is gone, or this daemon may not look
    """
    return os.readlink("cwd", dir_fd=folder)


def command_line(folder: int) -> list[bytes]:
    """Return the words of a command line, none of them if there are too many. In a thread: this can wait.

    Raises:
        OSError: the process is gone, or this daemon may not look
    """
    text = read_process_file(folder, "cmdline", _COMMAND_BYTES)
    return text.split(b"\0")[:-1] if len(text) < _COMMAND_BYTES else []


def environment_has(folder: int, name: bytes) -> bool:
    """Tell whether a process was started with a variable. The environment is wiped here again. For a thread.

    Raises:
        OSError: the process is gone, or this daemon may not look
    """
    return _environment(folder, name) is not None


def environment_word(folder: int, name: bytes) -> bytes:
    """Return the value of one variable of a process's environment, and wipe all else. In a thread: this can wait.

    Raises:
        OSError: the process is gone, or this daemon may not look
    """
    return _environment(folder, name, with_value=True) or b""


def _environment(folder: int, name: bytes, *, with_value: bool = False) -> bytes | None:
    start_of = b"\0" + name + b"="
    environ = bytearray(1 + _ENVIRON_BYTES)  # behind a NUL, so that the first entry looks like the others
    handle = os.open("environ", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        with memoryview(environ) as space:
            size = 1 + os.readv(handle, [space[1:]])
        start = environ.find(start_of, 0, size)
        end = environ.find(b"\0", start + 1, size)
        if not 0 <= start < end:
            return None
        return bytes(environ[start + len(start_of) : end]) if with_value else b""
    finally:
        environ[:] = bytes(len(environ))
        os.close(handle)
