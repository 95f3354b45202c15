"""The state of the daemon, for the status line: told by it as it changes, or asked for once where nobody tells.

Law: a private daemon changes by this shell's own lines alone, so it is asked before each prompt.
"""

import os
import time

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.daemon import client
from envfs_cli.daemon.session import shared_link
from envfs_cli.shell import private_daemon
from envfs_cli.shell.daemon_stream import DaemonStream

SILENT_SECONDS = 12.0  # a daemon that works on a request says so every 3 s


class DaemonState:
    """The newest `row` of the running daemon, None while there is no such daemon."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.stream = DaemonStream(control.WatchStatus())
        self.row: control.StatusRow | None = None
        self.is_own = False  # whether it is of this shell's private daemon
        self._heard_at = 0.0  # on the clock that only goes on

    def source(self) -> int:
        """Return the descriptor to wait on before `take`, -1 for none."""
        self._heard_at = time.monotonic()
        if not self.stream.is_open:
            self._look()
        return -1 if self.is_own else self.stream.source()

    def _look(self) -> None:
        link = shared_link()
        self.is_own, self.row = link is not None, None
        if link is None:
            return
        try:
            report, _ = link.ask(control.Status())
        except EnvFSError:
            report = None
        finally:
            private_daemon.done_with(link)
        if isinstance(report, control.StatusReport):
            self.row = control.StatusRow(report.audience, report.unlocked, problems=report.problems)

    @property
    def is_away(self) -> bool:
        """Tell whether no daemon tells, and none has refused to."""
        return not self.stream.is_open and not self.stream.is_refused

    @property
    def is_silent(self) -> bool:
        """Tell whether the daemon says nothing any more, though it is there: it is stopped, or stuck."""
        return self.stream.is_open and time.monotonic() - self._heard_at > SILENT_SECONDS

    @property
    def has_vault(self) -> bool:
        """Tell whether there is a vault, or a daemon that may have one."""
        return self.stream.is_open or self.is_own or os.path.exists(client.user_locations().vault)

    def take(self) -> bool:
        """Read what has come. Tell whether more may come."""
        self._heard_at = time.monotonic()
        rows = self.stream.rows()
        if rows is None:
            self.row = None
            return False
        self.row = next((row for row in reversed(rows) if isinstance(row, control.StatusRow)), self.row)
        return True

    def close(self) -> None:
        """Watch no more."""
        self.row = None
        self.stream.close()
