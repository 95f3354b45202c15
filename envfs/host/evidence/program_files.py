"""The file that a process runs: which it is, where it is, and its content where a rule needs that.

Laws: the file is looked at through /proc/PID/exe and never by its name, which is what the process's own mount namespace
says. No file system is asked that may keep us waiting. A process of another user namespace has no program here: there
it may name any file for the one that it runs (PR_SET_MM in prctl(2)).
"""

import errno
import os
from typing import NamedTuple

from envfs.core.access.evidence import ProgramFile
from envfs.host.evidence.digests import Digests
from envfs.host.evidence.file_identity import FileIdentity, identify_file, open_cached
from envfs.host.evidence.file_systems import FileSystems
from envfs.host.evidence.process_files import executable_path

_NOT_IN_MEMORY = (errno.EAGAIN, errno.EINVAL, errno.ENOSYS)  # or a kernel that cannot be asked that


class FileInUse(NamedTuple):
    """A file of a process: the process's folder, where it can be opened, its path as text, and which file it is."""

    process: int
    folder: int
    name: str
    path: str
    identity: FileIdentity


class ProgramFiles:
    """Looks at files that processes run. Digests and kinds of mounts are kept."""

    def __init__(self) -> None:
        """Start knowing none."""
        self.digests = Digests()
        self._file_systems = FileSystems()
        self._own_users = os.readlink("/proc/self/ns/user")

    def program(self, process: int, *, with_digest: bool) -> ProgramFile | None:
        """Return the file that a process runs, by its folder. None if it cannot be told.

        Raises:
            Unfinished: its content is large, and not read yet
        """
        if not self.is_of_own_users(process):
            return None
        try:
            file = FileInUse(process, process, "exe", executable_path(process), identify_file(process, "exe"))
        except OSError:
            return None
        return self.describe(file, with_digest=with_digest)

    def is_of_own_users(self, process: int) -> bool:
        """Tell whether a process is in the daemon's own user namespace, as far as that can be seen."""
        return _users_of(process) == self._own_users

    def is_of_other_users(self, process: int) -> bool:
        """Tell whether a process is seen to be in another user namespace."""
        return _users_of(process) not in ("", self._own_users)

    def describe(self, file: FileInUse, *, with_digest: bool) -> ProgramFile:
        """Describe a file of a process that is in the daemon's own user namespace.

        Raises:
            Unfinished: its content is large, and not read yet
        """
        process, folder, name, path, identity = file
        digest = ""
        if with_digest and self._file_systems.is_local(identity, process, folder, name):
            digest = self.digests.digest(folder, name, identity)
        return ProgramFile(path, identity.device, identity.inode, digest, self._is_there(file))

    def _is_there(self, file: FileInUse) -> bool:
        # every step to a file that runs is in the kernel's memory, so it can be asked without asking a file system
        if not file.path.startswith("/") or not file.identity.links:
            return False
        try:
            handle = open_cached(os.fsencode(file.path))
        except OSError as error:
            return error.errno in _NOT_IN_MEMORY and self._file_systems.is_own(file.folder, file.name)
        try:
            return identify_file(handle).is_same_file(file.identity)
        except OSError:
            return False
        finally:
            os.close(handle)


def _users_of(process: int) -> str:
    try:
        return os.readlink("ns/user", dir_fd=process)
    except OSError:
        return ""
