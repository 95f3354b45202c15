"""Callers: a look at /proc while the caller waits in the kernel, so that nothing can change meanwhile.

A caller that cannot be looked at is returned with a `doubt`, and the gate denies it. More than its numbers is gathered
by the `source` of a caller, where a rule asks for it (`host.evidence`). A caller by the socket is described as it was
when it connected: it may run another program by the time of its request, and pass the socket on, so nothing is told of
its program and its script, and of its ancestors the paths alone.
"""

import functools
import os
import resource
import sys
import time
import weakref
from collections.abc import Callable

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.rule import Pin, Rule
from envfs.host import programs, user_namespace
from envfs.host.callers.seen_processes import SeenProcess, close_all
from envfs.host.evidence.process_files import (
    cgroup_in,
    executable_path,
    leader_in,
    open_process,
    process_folder,
    process_stat,
    process_status,
    read_process_file,
    status_numbers,
)
from envfs.host.evidence.process_source import Outline, ProcessSource, SeenBefore
from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.units import unit_of

_KEPT, _SHARE = 128, 8  # processes whose /proc folder is held open: an eighth of what may be open at most
_TRUSTED_NS = 1_000_000_000  # how long a cgroup and the uids of a process are believed
_GLANCED_NS = 1_000_000  # how long all of it is, for a question by which nothing is opened
_USER_GLANCED_NS = 20_000_000  # a crowd of 16 needs 2 ms for a turn: each of them would be looked at again
_BY_SOCKET = frozenset((Need.GROUPS, Need.AGE, Need.SESSION, Need.UNIT, Need.PIDFD, Need.ANCESTORS))


class Callers:
    """Looks at callers, and remembers the last ones. The executable is read again each time."""

    def __init__(self) -> None:
        """Start knowing nobody."""
        self._known: dict[int, SeenProcess] = {}
        self._files = _program_files()
        self._most = max(1, min(_KEPT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE))
        self._few = self._most // 2  # so many have a second descriptor, by which the next look is quicker
        weakref.finalize(self, close_all, self._known)

    def look(self, pid: int, uid: int, gid: int) -> Caller:
        """Describe the process or thread `pid`, which the kernel says acts as `uid` and `gid`."""
        cached = self._known.get(pid)
        if cached is not None:
            now_ns = time.monotonic_ns()
            fresh = now_ns - cached.looked_ns < _TRUSTED_NS
            if (
                fresh
                and cached.uid == uid
                and cached.gid == gid
                and cached.is_same(may_open=len(self._known) <= self._few)
            ):
                cached.still_ns = now_ns
                return cached.caller
            self._forget(pid)
        return self._meet(pid, uid, gid)

    def glance(self, pid: int, uid: int, gid: int, trusted_ns: int = _GLANCED_NS) -> Caller:
        """As `look`, believing what was looked at within the last millisecond: one open asks many times.

        Not where a rule asked for more than the numbers: then each question counts.
        """
        cached = self._known.get(pid)
        if cached is not None and time.monotonic_ns() - cached.still_ns < trusted_ns:
            source = cached.source
            if cached.uid == uid and cached.gid == gid and (source is None or not source.is_asked):
                return cached.caller
        return self.look(pid, uid, gid)

    def glance_at_user(self, pid: int, uid: int, gid: int) -> Caller:
        """As `glance`, for an answer in which the program makes no difference: another one may run by now.

        That lasts for much less than it takes until a number is given to another process.
        """
        return self.glance(pid, uid, gid, _USER_GLANCED_NS)

    def process_of(self, pid: int) -> int:
        """Return the process that a thread is of. `pid` itself as long as it was not looked at."""
        known = self._known.get(pid)
        return known.process if known is not None else pid

    def close(self) -> None:
        """Forget everybody."""
        close_all(self._known)

    def meet_peer(self, pid: int, uid: int, gid: int, groups: tuple[int, ...] | None) -> Caller:
        """Describe the process at the other end of a socket, which was of these groups when it connected."""
        caller = self.look(pid, uid, gid)
        if caller.unknown or caller.source is None:
            return caller
        evidence = caller.source.gather(_BY_SOCKET if groups is not None else _BY_SOCKET - {Need.GROUPS})
        # of the ancestors the paths alone: a rule that keeps them out can be told not to be met, and none lets them in
        ancestors = tuple(ProgramFile(program.path) for program in evidence.ancestors)
        evidence = evidence._replace(groups=(gid, *(groups or ())), ancestors=ancestors)
        return caller._replace(source=SeenBefore(evidence))

    def _meet(self, pid: int, uid: int, gid: int) -> Caller:
        if pid <= 0:
            return Caller(uid, gid, 0, doubt="outside the daemon's process namespace")
        if user_namespace.stands_for_others(uid):
            return Caller(uid, gid, pid, doubt="a uid without a number here")
        try:
            folder = open_process(pid)
        except OSError:
            return Caller(uid, gid, pid, doubt="its /proc entry cannot be read")
        known = self._describe(folder, pid, uid, gid)
        if len(self._known) >= self._most:
            self._forget(next(iter(self._known)))
        self._known[pid] = known
        return known.caller

    def _describe(self, folder: int, pid: int, uid: int, gid: int) -> SeenProcess:
        now_ns = time.monotonic_ns()
        try:
            status = process_status(folder)
            # the same texts for all processes of one program and one place: thousands of callers are remembered
            executable = sys.intern(executable_path(folder))
            cgroup = sys.intern(cgroup_in(read_process_file(folder, "cgroup")))
            process = leader_in(status, pid)
        except OSError:
            caller = Caller(uid, gid, pid, doubt="its /proc entry cannot be read")
            return SeenProcess(folder, now_ns, caller, pid, None)
        doubt = "" if _acts_as(status, uid) else "the file system's uid is not the process's"
        outline = Outline(process, (gid, *status_numbers(status, b"Groups")), unit_of(cgroup))
        source = ProcessSource(folder, outline, self._files)
        caller = Caller(uid, gid, process, executable, cgroup, doubt, source)
        return SeenProcess(folder, now_ns, caller, process, source)

    def _forget(self, pid: int) -> None:
        self._known.pop(pid).close()


@functools.cache
def _program_files() -> ProgramFiles:
    return ProgramFiles()  # whoever asks: a program's digest is the same


def kept_caller(caller: Caller) -> Caller:
    """Return a caller as it is now, for an open handle: what was not asked about it by now is not told later."""
    source = caller.source
    return source.kept or source.kept_caller(caller) if isinstance(source, ProcessSource) else caller


def lived_at(pid: int, seconds: float) -> bool:
    """Tell whether the process that had a number so many seconds after the boot still lives."""
    try:
        with process_folder(pid) as folder:
            executable_path(folder)  # one that waits for its parent only has none
            return process_stat(folder).started <= seconds
    except OSError:
        return False


def own_caller() -> Caller:
    """Describe this process, for what it does by itself."""
    return Caller(os.getuid(), os.getgid(), os.getpid())


# -- what a process's folder says --------------------------------------------------------------------------------------


def _acts_as(status: bytes, uid: int) -> bool:
    # real, effective, saved and file system uid. A layered file system may ask as root for somebody else
    return uid in status_numbers(status, b"Uid")


# -- callers that a person names ---------------------------------------------------------------------------------------


def caller_of(pid: int) -> Caller:
    """Describe a process by its number, as if it asked now. That may take its time."""
    callers = Callers()
    try:
        with process_folder(pid) as folder:
            status = process_status(folder)
        caller = callers.look(pid, _acting_id(status, b"Uid"), _acting_id(status, b"Gid"))
        if not isinstance(caller.source, ProcessSource):
            return caller
        return caller._replace(source=SeenBefore(caller.source.gather_all(frozenset(Need))))
    except (OSError, IndexError):
        return Caller(_NO_ID, _NO_ID, max(0, pid), doubt="there is no such process")
    finally:
        callers.close()


def supposed_caller(example: Rule, digest_of: Callable[[str], str] = programs.digest_at) -> Caller:
    """Describe a process that is just as a rule says, and nothing else: for a question about one that may come.

    `digest_of` tells of the programs at the paths that the rule names.
    """
    named = {name: _program_at(pin, digest_of) for name, pin in _pins(example)}
    evidence = Evidence(
        groups=() if example.gid is None else (example.gid,),
        program=named["exe"],
        script=named["script"],
        ancestors=tuple(filter(None, (named["under"],))),
        unit=example.unit,
        pidfd=-1,
        seen=frozenset(Need),
    )
    uid = _NO_ID if example.uid is None else example.uid
    gid = _NO_ID if example.gid is None else example.gid
    executable = example.exe.path if example.exe else "-"
    return Caller(uid, gid, 1, executable, example.cgroup or "/", "", SeenBefore(evidence))


_NO_ID = (1 << 32) - 1


def _acting_id(status: bytes, name: bytes) -> int:
    # the fourth number is what the file system goes by (proc(5))
    return list(status_numbers(status, name))[3]


def _pins(example: Rule) -> tuple[tuple[str, Pin | None], ...]:
    return (("exe", example.exe), ("script", example.script), ("under", example.under))


def _program_at(pin: Pin | None, digest_of: Callable[[str], str]) -> ProgramFile | None:
    if pin is None:
        return None
    digest = digest_of(pin.path)
    return ProgramFile(pin.path, sha256=digest, is_there=bool(digest))
