"""The processes that a process descends from, the nearest first.

Laws: each parent is the one that the child still has once the parent's folder is open, so no number that was given
again stands in the chain. A chain of programs that changes meanwhile, is too long, or has a process of another user
namespace in it, is none. A process whose parent has ended descends from the one that took it over. Of the parent's own
parents nothing can be told then.
"""

import os
from collections.abc import Generator
from contextlib import closing

from envfs.core.access.evidence import ProgramFile
from envfs.host.evidence.process_files import ProcessStat, open_process, process_folder, process_stat
from envfs.host.evidence.program_files import ProgramFiles

MOST_ANCESTORS = 64
_TRIES = 3
_UNTOLD = ProgramFile("")  # of another user where the daemon is not root's, or of the kernel's own


def walk_ancestors(process: int, stat: ProcessStat) -> Generator[tuple[int, ProcessStat], None, None]:
    """Go up from a process, by its folder and what `stat` said. Yields the folder of each ancestor and its `stat`.

    A folder is open until the next one is asked for, or the walk is closed.

    Raises:
        OSError: the chain changes meanwhile, or cannot be seen
    """
    child = process
    try:
        while (parent := _open_parent(child, stat)) is not None:
            if child != process:
                os.close(child)
            child, stat = parent
            yield child, stat
    finally:
        if child != process:
            os.close(child)


def began_at(process: int) -> float:
    """Return when a process began to run its program, at the latest, in seconds after the boot, by its number.

    One that has exec'd nothing since a fork(2) began with its parent.

    Raises:
        OSError: it is gone, or its parents change meanwhile
    """
    with process_folder(process) as folder:
        stat = process_stat(folder)
        began = stat.started
        with closing(walk_ancestors(folder, stat)) as walk:
            while stat.is_fork and (above := next(walk, None)) is not None:
                stat = above[1]
                began = stat.started
        return began


def find_ancestors(
    files: ProgramFiles, process: int, stat: ProcessStat, *, with_digests: bool
) -> tuple[ProgramFile, ...] | None:
    """Return the programs of the ancestors of a process, by its folder. None if they cannot be told.

    Raises:
        Unfinished: one is large, and not read yet
    """
    programs: list[ProgramFile] = []
    try:
        with closing(walk_ancestors(process, stat)) as walk:
            for folder, _ in walk:
                if len(programs) >= MOST_ANCESTORS or files.is_of_other_users(folder):
                    return None
                programs.append(files.program(folder, with_digest=with_digests) or _UNTOLD)
    except OSError:
        return None
    return tuple(programs)


def _open_parent(child: int, stat: ProcessStat) -> tuple[int, ProcessStat] | None:
    # None at the top: the parent of a process outside of this process namespace, or of the first process, is 0
    for _ in range(_TRIES):
        if not stat.parent:
            return None
        try:
            folder = open_process(stat.parent)
        except OSError:
            stat = process_stat(child)
            continue
        try:
            of_parent, again = process_stat(folder), process_stat(child)
        except OSError:
            os.close(folder)
            raise
        if again.parent == stat.parent and of_parent.started <= again.started:
            return folder, of_parent
        os.close(folder)
        stat = again
    raise ProcessLookupError
