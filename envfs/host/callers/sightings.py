"""A caller as a person is shown it: its process, what it runs, where it comes from, and its reason.

Law: it is looked at while it waits for its answer, so that nothing of it can change meanwhile.
"""

from collections.abc import Callable

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.approvals.question import ProcessKey, Sighting
from envfs.host.callers import lineages
from envfs.host.evidence.process_files import process_of

_FILES = frozenset((Need.PROGRAM, Need.PROGRAM_DIGEST, Need.SCRIPT, Need.SCRIPT_DIGEST))
_NEEDS = _FILES | {Need.PIDFD, Need.UNIT}


def identify_caller(caller: Caller) -> Sighting | None:
    """Return which process a caller is and what it runs, and nothing more. None if it cannot be seen.

    Raises:
        Unfinished: something has to be read first
    """
    evidence = caller.evidence(_NEEDS)
    process = _key(caller, evidence)
    if process is None:
        return None
    return Sighting(
        process=process,
        program=evidence.program or ProgramFile(caller.executable),
        script=evidence.script,
        is_certain=evidence.program is not None and Need.SCRIPT in evidence.seen,
        unit=evidence.unit or caller.cgroup,
    )


def add_surroundings(sighting: Sighting, pid: int, reason: Callable[[], str]) -> Sighting:
    """Return all that a person is shown of the caller with a process id. For a thread, as `lineage_of`."""
    return sighting._replace(lineage=lineages.lineage_of(pid), folder=lineages.folder_of(pid), reason=reason())


def _key(caller: Caller, evidence: Evidence) -> ProcessKey | None:
    if evidence.pidfd:
        return 0, 0.0, evidence.pidfd
    process = lineages.process_at(process_of(caller.pid))
    return None if process is None else (process.pid, process.start, 0)
