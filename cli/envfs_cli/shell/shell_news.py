"""The news for a shell while it waits for a line: questions of programs, and the daemon's state.

Law: nothing is asked again and again. Only where no daemon runs, there is a look for one every few seconds.
"""

from envfs_cli.daemon.session import shared_link
from envfs_cli.shell.daemon_state import DaemonState
from envfs_cli.shell.questions import Questions
from envfs_cli.shell.status_line import ShellFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS = 3.0


class ShellNews:
    """The two streams of news, each of a connection of its own."""

    def __init__(self) -> None:
        """Hear of nothing yet."""
        self.questions = Questions()
        self.state = DaemonState()

    def sources(self) -> "Iterator[int]":
        """Yield the descriptors to wait on before `come`. They are connected again where a daemon has come."""
        if shared_link() is None:
            yield self.questions.stream.source()
        yield self.state.source()

    @property
    def needs_look(self) -> bool:
        """Tell whether no daemon is connected, and one may come."""
        return shared_link() is None and self.state.is_away

    def come(self, source: int) -> "tuple[list[str], bool]":
        """Read what has come at a source. Return the lines to show, and whether more may come there."""
        if source == self.questions.stream.descriptor:
            return self.questions.lines(), self.questions.stream.is_open
        return [], self.state.take()

    def facts(self, level: str) -> ShellFacts:
        """Return what the status line is about."""
        state = self.state
        told = (state.is_own, state.has_vault, state.is_away, state.is_silent)
        return ShellFacts(level, state.row, len(self.questions.open), *told)

    def close(self) -> None:
        """Hear of nothing any more."""
        self.questions.close()
        self.state.close()
