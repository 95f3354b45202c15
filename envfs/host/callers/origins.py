"""The origins of callers, read from /proc while they wait, for the access log.

Laws: nothing here raises, and nothing decides by it. It is believed for a second for a process with the same uid and
executable. A process that has ended by then keeps what was seen of it, and another one with its number has none of it.
The parent of a new process is looked at. The processes above that one are believed for a second too, as long as it is
the same process, with the same parent, and has exec'd nothing since.
A script is named if it is a file: no code and no secret of a command line gets into the log.
"""

import contextlib
import itertools
import os
import time
from functools import partial
from typing import NamedTuple, TypeVar

from envfs.core import origin
from envfs.core.access.caller import Caller
from envfs.core.access.evidence import ProgramFile
from envfs.core.origin import UNSEEN, Origin
from envfs.host import clocks
from envfs.host.callers.bounded_reads import BoundedReads
from envfs.host.evidence.ancestors import walk_ancestors
from envfs.host.evidence.process_files import ProcessStat, executable_path, process_folder, process_stat
from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.script_words import is_interpreter
from envfs.host.evidence.scripts import read_script
from envfs.host.evidence.units import unit_of

_ANCESTORS = 8
_REMEMBERED = 256
_NAMED = 6  # the fields of a caller that tell two apart, without the source of more evidence
_TRUSTED_NS = 1_000_000_000


_T = TypeVar("_T")


class _Seen(NamedTuple):
    """The origin of a caller, when its process began in seconds after the boot, and when it was looked at."""

    caller: Caller
    origin: Origin
    started: float
    looked_ns: int


class _Above(NamedTuple):
    """The names of the processes above one that is a parent, its run, and when they were looked at."""

    run: ProcessStat
    names: tuple[str, ...]
    looked_ns: int


class Origins:
    """Looks at the origins of callers, and remembers the last ones."""

    def __init__(self) -> None:
        """Start having seen nobody."""
        self._seen: dict[int, _Seen] = {}
        self._above: dict[int, _Above] = {}  # by the number of the parent
        self._reads = BoundedReads()
        self._files = ProgramFiles()

    def look(self, caller: Caller) -> Origin:
        """Return where a caller comes from."""
        seen = self._seen.get(caller.pid)
        now_ns = time.monotonic_ns()
        if seen is not None and (seen.caller is caller or seen.caller[:_NAMED] == caller[:_NAMED]):
            if now_ns - seen.looked_ns < _TRUSTED_NS:
                return seen.origin
        elif caller.unknown:
            return UNSEEN
        else:
            seen = None
        fresh = seen._replace(looked_ns=now_ns) if seen else _Seen(caller, UNSEEN, 0.0, now_ns)
        with contextlib.suppress(OSError), process_folder(caller.pid) as folder:
            stat = process_stat(folder)
            if seen is None or seen.started in (0.0, stat.started):
                fresh = _Seen(caller, self._describe(caller, folder, stat), stat.started, now_ns)
        _remember(self._seen, caller.pid, fresh)
        return fresh.origin

    def _describe(self, caller: Caller, folder: int, stat: ProcessStat) -> Origin:
        name = origin.own_name(caller.executable, stat.name) if caller.executable else stat.name
        ancestors = self._ancestors(folder, stat)
        process = origin.process_key(clocks.boot_id(), stat.started)
        return Origin(self._script(caller, stat), name, ancestors, stat.session, unit_of(caller.cgroup), process)

    def _ancestors(self, folder: int, stat: ProcessStat) -> tuple[str, ...]:
        names: list[str] = []
        try:
            with contextlib.closing(walk_ancestors(folder, stat)) as walk:
                first = next(walk, None)
                if first is None:
                    return ()
                run, now_ns = first[1].run, time.monotonic_ns()
                names.append(_name_of(*first))
                above = self._above.get(run.pid)
                if above is not None and above.run == run and now_ns - above.looked_ns < _TRUSTED_NS:
                    return (*names, *above.names)
                names += itertools.starmap(_name_of, itertools.islice(walk, _ANCESTORS - 1))
        except OSError:
            return tuple(names)
        _remember(self._above, run.pid, _Above(run, tuple(names[1:]), now_ns))
        return tuple(names)

    def _script(self, caller: Caller, stat: ProcessStat) -> str:
        if not is_interpreter(os.fsencode(caller.executable)):
            return ""
        return self._reads.read(caller.uid, partial(_script_of, self._files, stat, caller.executable))


def _script_of(files: ProgramFiles, stat: ProcessStat, executable: str) -> str:
    # in a thread, which may still be at it when the process has ended: so it has a folder of its own
    with contextlib.suppress(OSError), process_folder(stat.pid) as folder:
        if executable_path(folder) == executable and files.is_of_own_users(folder):
            script = read_script(files, folder, stat.started)
            if isinstance(script, ProgramFile) and process_stat(folder).run == stat.run:
                return script.path
    return ""


def _remember(memory: dict[int, _T], number: int, fact: _T) -> None:
    if len(memory) >= _REMEMBERED:
        memory.pop(next(iter(memory)))
    memory[number] = fact


def _name_of(folder: int, stat: ProcessStat) -> str:
    return origin.ancestor(_executable(folder), stat.name)


def _executable(folder: int) -> str:
    try:
        return executable_path(folder)
    except OSError:
        return ""  # a thread of the kernel
