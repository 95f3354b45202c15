"""A daemon that lists a few levels and their names, and fails as a test wants it."""

from collections.abc import Callable

from envfs.protocol import control
from envfs_cli.completion.sources import Sources
from envfs_cli.daemon.client import Link

LEVELS = ("/", "/shop", "/shop/dev", "/shop/prod", "/shop/prod/eu", "/web")
NAMES = {"/shop/prod": ("API_KEY", "DATABASE_URL"), "/shop": ("DATABASE_URL",)}


class FakeLink(Link):
    """Answers ListLevels and ListVariables from the tables, or fails."""

    def __init__(self, *, private: bool = False, failure: BaseException | None = None) -> None:
        self.private = private
        self.failure = failure
        self.asked: list[object] = []
        self.closed = False

    def ask(
        self, request: object, descriptors: tuple[int, ...] = (), on_row: Callable[[object], None] | None = None
    ) -> tuple[object, bytes]:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure
        if isinstance(request, control.ListVariables) and on_row:
            for name in NAMES.get(request.level, ()):
                on_row(control.VariableRow(name, request.level))
        if isinstance(request, control.ListLevels) and on_row:
            for level in LEVELS:
                on_row(control.LevelRow(level, 1, "", allowed=True))
        if isinstance(request, control.ListHistory) and on_row:
            for number in (12, 2, 1):
                on_row(control.VersionRow(number, "", "", (), (), (), "set"))
        return control.Done(), b""

    def close(self) -> None:
        self.closed = True


def sources(link: Link) -> Sources:
    return Sources(lambda: link, lambda _: None)
