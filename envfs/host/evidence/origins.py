"""Where callers come from, for the access log: looked at once for each process, and its ancestors once a second."""

import os
import time

from envfs.core.access.origin import Origin
from envfs.host.evidence.process_files import ProcessStat, open_process, process_stat
from envfs.host.evidence.script_words import Told, script_word
from envfs.host.evidence.scripts import command_line
from envfs.host.evidence.units import unit_of

MOST_ANCESTORS, MOST_CHARACTERS = 16, 256
_NAMESPACES = ("user", "pid", "mnt")
_TRUSTED_NS = 1_000_000_000
_KEPT = 256


class Origins:
    """Looks at where processes come from."""

    def __init__(self) -> None:
        """Start knowing nobody's."""
        self._own = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in _NAMESPACES}
        self._trees: dict[int, tuple[int, tuple[str, ...]]] = {}  # by the process whose executable is the first

    def origin(self, folder: int, stat: ProcessStat, executable: str, cgroup: str) -> Origin:
        """Describe where a process comes from, by its folder. Fields that cannot be told are empty."""
        return Origin(
            tree=self._tree(stat.parent),
            script=_script(folder, executable),
            unit=unit_of(cgroup)[:MOST_CHARACTERS],
            session=stat.session,
            namespaces=tuple(kind for kind in _NAMESPACES if _namespace(folder, kind) not in ("", self._own[kind])),
        )

    def _tree(self, pid: int, most: int = MOST_ANCESTORS) -> tuple[str, ...]:
        if not pid or not most:
            return ()
        now_ns = time.monotonic_ns()
        looked_ns, tree = self._trees.get(pid, (-_TRUSTED_NS, ()))
        if now_ns - looked_ns < _TRUSTED_NS:
            return tree[:most]
        try:
            folder = open_process(pid)
        except OSError:
            return ()
        try:
            tree = (_name(folder), *self._tree(process_stat(folder).parent, most - 1))
        except OSError:
            return ()
        finally:
            os.close(folder)
        if len(self._trees) >= _KEPT:
            self._trees.clear()
        if most == MOST_ANCESTORS:
            self._trees[pid] = now_ns, tree
        return tree


def _name(folder: int) -> str:
    try:
        return os.readlink("exe", dir_fd=folder)[:MOST_CHARACTERS]
    except PermissionError:
        return ""  # of another user, where the daemon is not root's
    except OSError:
        return ""  # one of the kernel's own


def _namespace(folder: int, kind: str) -> str:
    try:
        return os.readlink(f"ns/{kind}", dir_fd=folder)
    except OSError:
        return ""


def _script(folder: int, executable: str) -> str:
    try:
        word = script_word(os.fsencode(executable), command_line(folder))
        if isinstance(word, Told):
            return ""
        path = os.fsdecode(word)
        return (path if path.startswith("/") else os.path.join(os.readlink("cwd", dir_fd=folder), path))[
            :MOST_CHARACTERS
        ]
    except OSError:
        return ""
