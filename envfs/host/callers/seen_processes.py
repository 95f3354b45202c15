"""A process that was looked at before: what was seen of it, and whether it is still that process with that program.

Law: its folder in /proc is open, and dies with it. So a process that gets its number later is a stranger.
"""

import os

from envfs.core.access.caller import Caller
from envfs.host.evidence.process_files import executable_path
from envfs.host.evidence.process_source import ProcessSource


class SeenProcess:
    """A process or thread. `process` is the one that the thread is of, `caller` what it was described as.

    `still_ns` is when it was last seen to be the same, with the same executable.
    """

    __slots__ = ("_folder", "_link", "caller", "gid", "looked_ns", "process", "source", "still_ns", "uid")

    def __init__(self, folder: int, looked_ns: int, caller: Caller, process: int, source: ProcessSource | None) -> None:
        """Take over the open `folder`."""
        self._folder, self._link = folder, -1
        self.looked_ns = self.still_ns = looked_ns
        self.caller = caller
        self.uid, self.gid = caller.uid, caller.gid
        self.process = process
        self.source = source

    def is_same(self, *, may_open: bool = True) -> bool:
        """Tell whether it runs what it ran, as far as that was looked at. `may_open`: one more descriptor."""
        try:
            if self.source is not None and self.source.is_asked and not self.source.is_same_run():
                return False
            executable = self.caller.executable
            if self._link < 0 and may_open and executable:
                self._link = os.open("exe", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
            if self._link < 0:  # of one that may not be looked at only the way to its link tells that it ended
                return executable_path(self._folder) == executable
            return executable_path(self._link, "") == executable
        except OSError:
            return False

    def close(self) -> None:
        """Let go of its folder."""
        if self.source is not None:
            self.source.close()
        if self._link >= 0:
            os.close(self._link)
        os.close(self._folder)


def close_all(seen: dict[int, SeenProcess]) -> None:
    """Let go of all of them."""
    while seen:
        seen.popitem()[1].close()
