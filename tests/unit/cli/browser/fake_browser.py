"""A browser over a daemon that answers from tables, with keys that come from a pipe and a screen that nobody sees."""

import asyncio
from collections.abc import Callable, Sequence

from prompt_toolkit.input.vt100_parser import Vt100Parser

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.browser import application, loader
from envfs_cli.browser.asker import DaemonAsker, ReplyWithRows
from envfs_cli.browser.bindings import bind_keys
from envfs_cli.browser.runner import Caught, CommandRunner
from envfs_cli.browser.signs import choose_signs
from envfs_cli.browser.state import BrowserState

LEVELS = ("/", "/shop", "/shop/dev", "/shop/prod", "/shop/prod/eu", "/web")
OWN = {"/shop": ("API_KEY", "DB_URL"), "/shop/prod": ("DB_URL",), "/web": ("PORT",)}
VALUE = b"revealed-sentinel-9"


def variables(level: str) -> dict[str, str]:
    """Return the names of a view, each with the level that sets it."""
    return {name: place for place in names.chain(level) for name in OWN.get(place, ())}


def versions(*numbers: int) -> list[control.VersionRow]:
    return [
        control.VersionRow(number, "2026-11-30T10:00:00Z", "k" * 43, ("A",), (), (), "set", message=f"step {number}")
        for number in numbers
    ]


class FakeAsker(DaemonAsker):
    """Answers what the panes ask for, or refuses all of one kind."""

    def __init__(self) -> None:
        super().__init__(keeps_vault=True)
        self.asked: list[object] = []
        self.refused: dict[type, EnvFSError] = {}
        self.levels = LEVELS

    async def ask(self, request: object) -> ReplyWithRows:  # type: ignore[override]
        self.asked.append(request)
        await asyncio.sleep(0)
        if type(request) in self.refused:
            raise self.refused[type(request)]
        return ReplyWithRows(tuple(self._rows(request)), control.Done())

    def _rows(self, request: object) -> Sequence[object]:  # noqa: PLR0911 - one for each request
        match request:
            case control.ListLevels():
                return [control.LevelRow(level, 1, "", allowed=True) for level in self.levels]
            case control.ListPresence(level=level):
                return [control.PresenceRow(level, name, "set", place) for name, place in variables(level).items()]
            case control.DescribeView(level=level):
                return [
                    control.FactsRow(name, (place,), (), empty=False, doubts=())
                    for name, place in variables(level).items()
                ]
            case control.ListHistory(newest=newest, version=version):
                last = version or 250
                return versions(*range(last, max(0, last - newest), -1))
            case control.CompareLevels():
                return [control.DifferenceRow("added", "NEW"), control.DifferenceRow("removed", "OLD")]
            case control.ListGrants():
                return [
                    control.GrantRow("/", 7, "ann", "", -1, id="g1", who="uid 7", can=("read",)),
                    control.GrantRow("/web", 8, "ben", "", -1, id="g2", who="uid 8", can=("read",)),
                ]
            case _:
                return []


class FakeRunner(CommandRunner):
    """Notes the commands, and says that each was done."""

    def __init__(self) -> None:
        super().__init__(None, keeps_vault=False)
        self.ran: list[list[str]] = []
        self.at_terminal: list[list[str]] = []
        self.answer = Caught(0, ("said by the command",), bytearray())

    async def catch_words(
        self, words: Sequence[str], columns: int, on_line: Callable[[str], None], *, has_value: bool = False
    ) -> Caught:
        self.ran.append(list(words))
        return self.answer._replace(value=bytearray(VALUE)) if has_value else self.answer

    def run_words(self, words: Sequence[str]) -> int:
        self.at_terminal.append(list(words))
        return 0


class Pressed:
    """A browser on a pipe. `press` sends keys, one after the other, and waits until all is done that follows."""

    def __init__(self, browser: application.Browser, send: Callable[[str], None]) -> None:
        self.browser = browser
        self.state = browser.state
        self._send = send
        self._taken = 0
        browser.application.key_processor.after_key_press += self._count

    def _count(self, _processor: object) -> None:
        self._taken += 1

    async def press(self, *keys: str) -> None:
        for key in keys:
            until = self._taken + _key_presses(key)
            self._send(key)
            await becomes(
                lambda until=until: self._taken >= until or not self.browser.application.is_running, "keys are taken"
            )
            await self.settle()

    async def settle(self) -> None:
        """Wait until no task of the browser is left but those that wait for keys."""
        application_ = self.browser.application
        await becomes(lambda: all(map(_may_wait, application_._background_tasks)), "all is done")


def _may_wait(task: "asyncio.Task[None]") -> bool:
    return task.done() or "prompt_toolkit" in repr(task.get_coro().cr_code)  # type: ignore[union-attr]


def _key_presses(text: str) -> int:
    pressed: list[object] = []
    parser = Vt100Parser(pressed.append)
    parser.feed_and_flush(text)
    return len(pressed)


async def becomes(question: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(60):
        while not question():  # noqa: ASYNC110 - of a library's state there is no event
            await asyncio.sleep(0.005)
    assert question(), what


def browse(
    monkeypatch: object, script: "Callable[[Pressed, FakeAsker, FakeRunner], object]", level: str = "/shop"
) -> int:
    """Run a browser at a level with `script`, an async function, and then press q. Return its exit status."""
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    monkeypatch.setattr(loader, "is_private", lambda: True)  # type: ignore[attr-defined]
    monkeypatch.setattr(loader, "_REST", 0.0)  # type: ignore[attr-defined]

    async def run() -> int:
        with create_pipe_input() as pipe:
            asker, runner = FakeAsker(), FakeRunner()
            browser = application.Browser(
                BrowserState(choose_signs("utf-8"), level), asker, runner, terminal=(pipe, DummyOutput())
            )
            bind_keys(browser)
            running = asyncio.ensure_future(browser.run_until_left())
            pressed = Pressed(browser, pipe.send_text)
            try:
                await becomes(lambda: browser.application.is_running, "it runs")
                await pressed.settle()
                await script(pressed, asker, runner)  # type: ignore[misc]
            finally:
                if browser.application.is_running:
                    browser.leave(0)
                status = await running
            return status

    return asyncio.run(run())
