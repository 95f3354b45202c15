"""The processes of now: which there are, which descends from which, and what a person is shown of one.

Laws: nothing here raises. A process that ends while it is looked at is left out. Its arguments are not read: they may
hold secrets.
"""

from collections.abc import Container, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from envfs.core import origin
from envfs.host import clocks
from envfs.host.callers.bounded_reads import BoundedReads
from envfs.host.evidence.containers import container_of
from envfs.host.evidence.process_files import (
    ProcessStat,
    cgroup_in,
    environment_has,
    executable_path,
    open_paths,
    process_folder,
    process_numbers,
    process_stat,
    process_status,
    read_process_file,
    status_numbers,
)
from envfs.host.evidence.units import unit_of

Processes = Mapping[int, ProcessStat]


class ProcessFacts(NamedTuple):
    """A process as a person is shown it. `started` is UTC, as the log has times. Empty where it cannot be seen."""

    pid: int
    key: str
    started: str
    uid: int
    executable: str
    name: str
    cgroup: str
    unit: str
    container: str


def live_processes() -> dict[int, ProcessStat]:
    """Return the processes that live, by their numbers."""
    processes: dict[int, ProcessStat] = {}
    for pid in process_numbers():
        with suppress(OSError), process_folder(pid) as folder:
            executable_path(folder)  # one that waits for its parent only has none
            processes[pid] = process_stat(folder)
    return processes


def key_of(stat: ProcessStat) -> str:
    """Return what tells a process from others that have its number."""
    return origin.process_key(clocks.boot_id(), stat.started)


def children_of(processes: Processes) -> dict[int, list[ProcessStat]]:
    """Return the children of each process, by its number."""
    children: dict[int, list[ProcessStat]] = {}
    for stat in processes.values():
        children.setdefault(stat.parent, []).append(stat)
    return children


def processes_with_open(processes: Processes, paths: Container[str]) -> dict[int, set[str]]:
    """Return which of some paths each process has open, by its number."""
    having: dict[int, set[str]] = {}
    for pid in processes:
        with suppress(OSError), process_folder(pid) as folder:
            if opened := {path for path in open_paths(folder) if path in paths}:
                having[pid] = opened
    return having


def programs_of_left_forks(processes: Processes) -> set[str]:
    """Return what those processes run that exec'd nothing since a fork(2) and whose parent runs another program."""
    programs = {pid: _program(pid) for pid, stat in processes.items() if stat.is_fork}
    parents = {stat.parent for pid, stat in processes.items() if pid in programs}
    above = {pid: programs.get(pid) or _program(pid) for pid in parents}
    return {program for pid, program in programs.items() if program and above[processes[pid].parent] != program}


def _program(pid: int) -> str:
    with suppress(OSError), process_folder(pid) as folder:
        return executable_path(folder)
    return ""


def has_variable(stat: ProcessStat, uid: int, name: str) -> bool:
    """Tell whether the environment that a process was started with has a variable. False where that cannot be seen."""
    return bool(_READS.read(uid, partial(_is_in_environment, stat, name)))


_READS = BoundedReads()


def _is_in_environment(stat: ProcessStat, name: str) -> str:
    with suppress(OSError), process_folder(stat.pid) as folder:
        if environment_has(folder, name.encode()) and process_stat(folder).started == stat.started:
            return name
    return ""


def describe(stat: ProcessStat) -> ProcessFacts | None:
    """Return what a person is shown of a process. None if it has ended, or another one has its number now."""
    with suppress(OSError), process_folder(stat.pid) as folder:
        cgroup = cgroup_in(read_process_file(folder, "cgroup"))
        program, uids = executable_path(folder), status_numbers(process_status(folder), b"Uid")
        if process_stat(folder).started == stat.started:
            started = clocks.time_of_boot_seconds(stat.started)
            return ProcessFacts(
                stat.pid,
                key_of(stat),
                started,
                uids[1] if len(uids) > 1 else -1,
                program,
                origin.own_name(program, stat.name) if program else stat.name,
                cgroup,
                unit_of(cgroup),
                container_of(cgroup),
            )
    return None
