"""Questions of programs, shown above the prompt while the shell waits for a line. A key answers, or a command.

Law: a question that has ended meanwhile is not shown.
"""

import time

from envfs.protocol import control
from envfs_cli.replies import questions
from envfs_cli.shell.daemon_stream import DaemonStream


class Questions:
    """The questions of the running daemon, if there is one that tells this user."""

    def __init__(self) -> None:
        """Ask nobody yet."""
        self.stream = DaemonStream(control.WatchApprovals())
        self.open: dict[str, control.QuestionRow] = {}  # by their names, the oldest first
        self.shown_at: dict[str, float] = {}  # on the clock that only goes on

    def lines(self) -> "list[str]":
        """Read what has come, and return the lines to show."""
        rows = self.stream.rows()
        if rows is None:
            self.close()
            return []
        changes = [row for row in rows if isinstance(row, control.QuestionRow)]
        ended = {row.question for row in changes if row.state != questions.OPEN}
        lines: list[str] = []
        for row in changes:
            if row.state != questions.OPEN:
                self.open.pop(row.question, None)
                self.shown_at.pop(row.question, None)
                lines.append(questions.end_words(row))
            elif row.question not in ended:
                self.open[row.question] = row
                self.shown_at[row.question] = time.monotonic()
                lines += questions.question_lines(row)
        return lines

    def close(self) -> None:
        """Ask no more."""
        self.open.clear()
        self.shown_at.clear()
        self.stream.close()
