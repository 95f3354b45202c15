"""Rows that the running daemon sends as they happen, over a connection of their own.

Laws: a daemon that runs is asked, and none is started for this. If it does not tell this user, or goes, the shell goes
on without.
"""

from envfs.errors import EnvFSError
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from envfs_cli.daemon.client import Link


class DaemonStream:
    """The rows for one request."""

    def __init__(self, request: "NamedTuple") -> None:
        """Ask nobody yet."""
        self._request = request
        self._link: Link | None = None
        self.is_refused = False  # by a daemon of an older release, for one

    def source(self) -> int:
        """Connect if a daemon runs. Return the descriptor to wait on before `rows`, -1 for none."""
        if self._link is None and not self.is_refused:
            try:
                self._link = client.running_daemon()
                if self._link is not None:
                    self._link.begin(self._request)
            except EnvFSError:
                self.close()
        return self.descriptor

    @property
    def descriptor(self) -> int:
        """The descriptor that is waited on, -1 for none."""
        return -1 if self._link is None else self._link.fileno()

    @property
    def is_open(self) -> bool:
        """Tell whether more may come."""
        return self._link is not None

    def rows(self) -> "list[object] | None":
        """Read what has come. None: no more comes."""
        try:
            rows = None if self._link is None else self._link.come()
        except EnvFSError:
            self.is_refused, rows = True, None
        if rows is None:
            self.close()
        return rows

    def close(self) -> None:
        """Ask no more."""
        if self._link is not None:
            self._link.close()
            self._link = None
