"""The files of a process's folder in /proc (proc_pid_stat(5), proc_pid_status(5)), read within a bound.

Law: the folder is open, and dies with its process. So nothing that is read here is of another process that got the
number later. A process may choose some of these texts (its name, its arguments), so they are taken for bytes.
"""

import os
from typing import NamedTuple

_BYTES = 4096
_AFTER_NAME = 3  # the number in proc_pid_stat(5) of the first field after the name
_PARENT, _SESSION, _START = 4 - _AFTER_NAME, 6 - _AFTER_NAME, 22 - _AFTER_NAME
_CODE = slice(26 - _AFTER_NAME, 29 - _AFTER_NAME)  # where code and stack are
_DATA = slice(45 - _AFTER_NAME, 52 - _AFTER_NAME)  # where data, arguments and environment are
_FIELDS = 52 - _AFTER_NAME
_GROUPS, _MOST_STATUS_BYTES = b"\nGroups:", 1 << 20  # 65,536 groups of eleven characters each, at most
_DIGITS = 20
_HIERARCHY = b"0::"
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessStat(NamedTuple):
    """The content of `stat`: the parent, the session, the start in seconds since the boot, and where the memory lies.

    Each exec lays the memory out again, at addresses that the kernel draws. So `layout` is another one after it.
    """

    parent: int
    session: int
    started: float
    layout: tuple[bytes, ...]


def open_process(pid: int) -> int:
    """Open the folder of a process or thread.

    Raises:
        OSError: there is no such process
    """
    return os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


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
    """Read `status`, down to the groups of a process. There may be thousands of them.

    Raises:
        OSError: the process is gone, or the text has no end
    """
    handle = os.open("status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        text = os.read(handle, _BYTES)
        while b"\n" not in text.partition(_GROUPS)[2]:
            piece = os.read(handle, _MOST_STATUS_BYTES)
            if not piece or len(text) > _MOST_STATUS_BYTES:
                raise ProcessLookupError
            text += piece
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
    fields = text.rpartition(b") ")[2].split()
    try:
        parent, session, start = int(fields[_PARENT]), int(fields[_SESSION]), int(fields[_START])
    except (IndexError, ValueError):
        raise ProcessLookupError from None
    if len(fields) < _FIELDS:
        raise ProcessLookupError
    return ProcessStat(parent, session, start / _TICKS, (*fields[_CODE], *fields[_DATA]))


def cgroup_in(text: bytes) -> str:
    """Return the path in the text of `cgroup` (cgroups(7), version 2), empty if there is none.

    A user may call a cgroup of its own `0::`, and no name has a line feed.
    """
    line = next((line for line in text.split(b"\n") if line.startswith(_HIERARCHY)), b"")
    return line.removeprefix(_HIERARCHY).decode(errors="replace")


def began_at(process: int) -> float:
    """Return when a process began, by its number, in seconds after the boot.

    Raises:
        OSError: it is gone
    """
    folder = open_process(process)
    try:
        return process_stat(folder).started
    finally:
        os.close(folder)


def status_numbers(status: bytes, name: bytes) -> tuple[int, ...]:
    """Return the numbers in a line of `status`: `Uid`, `Tgid`, `Groups`. Empty if there is no such line."""
    line = status.partition(b"\n" + name + b":")[2].partition(b"\n")[0]
    return tuple(int(word) for word in line.split() if word.isdigit() and len(word) <= _DIGITS)
