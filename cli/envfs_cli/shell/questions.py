"""Questions of programs, shown above the prompt while the shell waits for a line. The person answers with a command.

Laws: a daemon that runs is asked, and none is started for this. If it does not tell this user, or goes, the shell goes
on without. A question that has ended meanwhile is not shown.
"""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.daemon import client
from envfs_cli.replies import questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.client import Link


class Questions:
    """The questions of the running daemon, if there is one that tells this user."""

    def __init__(self) -> None:
        """Ask nobody yet."""
        self._link: Link | None = None
        self._is_refused = False

    def source(self) -> int:
        """Return the descriptor to wait on before `lines`, -1 for none."""
        if self._link is None and not self._is_refused:
            try:
                self._link = client.running_daemon()
                if self._link is not None:
                    self._link.begin(control.WatchApprovals())
            except EnvFSError:
                self.close()
        return -1 if self._link is None else self._link.fileno()

    @property
    def is_open(self) -> bool:
        """Tell whether more may come."""
        return self._link is not None

    def lines(self) -> "list[str]":
        """Read what has come, and return the lines to show."""
        try:
            rows = None if self._link is None else self._link.come()
        except EnvFSError:
            self._is_refused, rows = True, None
        if rows is None:
            self.close()
            return []
        changes = [row for row in rows if isinstance(row, control.QuestionRow)]
        ended = {row.question for row in changes if row.state != questions.OPEN}
        lines: list[str] = []
        for row in changes:
            if row.state != questions.OPEN:
                lines.append(questions.end_words(row))
            elif row.question not in ended:
                lines += questions.question_lines(row)
        return lines

    def close(self) -> None:
        """Ask no more."""
        if self._link is not None:
            self._link.close()
            self._link = None
