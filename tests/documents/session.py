"""One page: its sessions are typed in a world of its own, by each of its people at a terminal."""

from contextlib import ExitStack
from pathlib import Path

from tests.documents.page import Line, read_blocks, read_script
from tests.documents.typist import Answers, Ran, Typist
from tests.documents.world import World

COLUMNS = 200  # wide enough for the longest line of a page


def run_page(name: str, folder: Path, columns: int = COLUMNS) -> list[Ran]:
    """Type all sessions of a page. `folder` is empty, and is empty afterwards."""
    with World(folder) as world, ExitStack() as ending:
        session = _Session(name, world, ending, columns)
        try:
            for block in read_blocks(name):
                session.take(block)
            session.end()
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}\n{session.screens()}") from None
    return session.ran


class _Session:
    """The people of one page, each at a terminal."""

    def __init__(self, name: str, world: World, ending: ExitStack, columns: int) -> None:
        self._world = world
        self._columns = columns
        self._script = read_script(name)
        self._answers = Answers(self._script.answers, {})
        self._ending = ending
        self._people: dict[str, Typist] = {}
        self._waiting: list[str] = []
        self._prepared: set[str] = set()
        self.ran: list[Ran] = []
        world.run(self._script.start)

    def take(self, block: list[Line]) -> None:
        """Type a block."""
        for line in block:
            if line.not_run:
                continue
            if not line.text:
                self._go_on(line)
                continue
            user = line.user or self._script.user
            for other in self._people if line is not block[0] else {user} & self._people.keys():
                if self._people[other].is_waiting:
                    self._finish(self._people[other])
            self._prepare(f"{line.user}$ {line.text}" if line.user else line.text)
            typist = self._typist(user)
            typist.take(line, self._script.meanwhile.get(line.text.partition("  #")[0].rstrip(), ""))
            if line.user:  # it may go on while others type
                self._waiting = [*(user for user in self._waiting if user != line.user), line.user]
            else:
                self._finish(typist)

    def end(self) -> None:
        """Let every command end."""
        for typist in self._people.values():
            if typist.is_waiting:
                self._finish(typist)
        unused = self._script.before.keys() - self._prepared
        assert not unused, f"the page's script prepares commands that the page does not have: {unused}"

    def screens(self) -> str:
        """Return what each person sees at the end."""
        return "".join(f"-- {user or 'root'} sees:\n{typist.screen()}\n" for user, typist in self._people.items())

    def _finish(self, typist: Typist) -> None:
        self.ran.append(typist.finish())

    def _go_on(self, line: Line) -> None:
        assert self._waiting, f"line {line.number}: nobody waits"
        typist = self._people[self._waiting[0]]
        typist.go_on(line.shown)

    def _prepare(self, command: str) -> None:
        for begin, script in self._script.before.items():
            if command.startswith(begin) and begin not in self._prepared:
                self._prepared.add(begin)
                self._world.run(script)

    def _typist(self, user: str) -> Typist:
        if user not in self._people:
            self._people[user] = Typist(self._world, user, self._answers, self._columns)
            self._ending.callback(self._people[user].end)
        return self._people[user]
