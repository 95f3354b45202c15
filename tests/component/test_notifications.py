"""Questions on the desktop, over a real session bus with a notification server of the test's own."""

import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import NoReturn

import pytest
import trio
from jeepney import DBusAddress, HeaderFields, MatchRule, Message, message_bus, new_method_return, new_signal
from jeepney.io.trio import DBusRouter, open_dbus_router

from envfs.core.approvals.question import Outcome
from envfs.daemon.notifications import Notifications
from envfs.gate.approvals.board import Answer, Board, CallerLeft, Patience
from envfs.host import clocks
from tests.component.world import ME, World, run
from tests.unit.core.approvals.test_question import SIGHTING, question

_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_PATIENCE = Patience(lambda: False)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", process.stdout.readline().strip())
    yield
    process.terminate()
    process.wait(60)
    process.stdout.close()


class Server:
    """A notification server: what it shows, and the buttons."""

    def __init__(self, router: DBusRouter, calls: trio.MemoryReceiveChannel[Message]) -> None:
        self._router = router
        self._calls = calls
        self.shown: dict[int, Message] = {}
        self.closed: list[int] = []

    async def serve(self) -> NoReturn:
        await self._router.send_and_get_reply(message_bus.RequestName(_NAME))
        while True:
            message = await self._calls.receive()
            if message.header.fields[HeaderFields.member] == "Notify":
                number = len(self.shown) + 1
                self.shown[number] = message
                await self._router.send(new_method_return(message, "u", (number,)))
            else:
                self.closed.append(message.body[0])
                await self._router.send(new_method_return(message))

    async def press(self, number: int, key: str, router: DBusRouter | None = None) -> None:
        emitter = DBusAddress(_PATH, interface=_NAME)
        await (router or self._router).send(new_signal(emitter, "ActionInvoked", "us", (number, key)))


async def until(is_so: Callable[[], object]) -> None:
    with trio.fail_after(60):
        while not is_so():  # noqa: ASYNC110 - it is about another program, which sets no event here
            await trio.sleep(0.02)


def on_a_desktop(world: World, test: Callable[[Board, Server, trio.Nursery], Awaitable[None]]) -> None:
    async def main() -> None:
        board = world.open_vault.approvals.board
        sending, receiving = trio.open_memory_channel[Message](64)
        rule = MatchRule(type="method_call", interface=_NAME)
        async with (
            open_dbus_router() as router,
            router.filter(rule, channel=sending),
            trio.open_nursery() as nursery,
        ):
            server = Server(router, receiving)
            nursery.start_soon(server.serve)
            nursery.start_soon(board.run)
            nursery.start_soon(Notifications(world.service, 0.1).run)
            await until(lambda: board.has_notifier)
            await test(board, server, nursery)
            nursery.cancel_scope.cancel()

    run(main)


async def asked(board: Board, answers: list[Answer], patience: Patience = _PATIENCE) -> None:
    sighting, now = SIGHTING._replace(reason="<b>bold</b>\x1b[31m & more"), clocks.boot_seconds()
    with suppress(CallerLeft):
        answers.append(await board.ask(question(sighting)._replace(seconds=now, until=now + 1e9), patience))


def test_a_question_is_shown_as_text_and_refused_by_the_button(bus: None, world: World) -> None:
    answers: list[Answer] = []

    async def test(board: Board, server: Server, nursery: trio.Nursery) -> None:
        nursery.start_soon(asked, board, answers)
        await until(lambda: server.shown)
        _, _, _, summary, body, actions, _, _ = server.shown[1].body
        assert "q1" in summary
        assert "/shop" in summary
        assert "&lt;b&gt;bold&lt;/b&gt;\\x1b[31m &amp; more" in body
        assert body.replace("\n", "").isprintable()
        assert actions == ["deny", "Refuse"]  # and nothing that allows
        await server.press(1, "deny")
        await until(lambda: answers)
        assert answers == [Answer(Outcome.DENIED, "q1")]
        await until(lambda: server.closed == [1])

    on_a_desktop(world, test)


def test_neither_another_button_nor_another_program_answers(bus: None, world: World) -> None:
    answers: list[Answer] = []

    async def test(board: Board, server: Server, nursery: trio.Nursery) -> None:
        nursery.start_soon(asked, board, answers)
        await until(lambda: server.shown)
        for key in ("allow", "yes", "default", ""):
            await server.press(1, key)
        await server.press(2, "deny")
        async with open_dbus_router() as other:
            await server.press(1, "deny", other)
            await trio.sleep(0.3)
        assert board.questions()
        board.deny(board.questions()[0], ME)
        await until(lambda: server.closed == [1])

    on_a_desktop(world, test)


def test_without_a_notification_server_nobody_is_there_to_ask(bus: None, world: World) -> None:
    async def main() -> Answer:
        board = world.open_vault.approvals.board
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.run)
            nursery.start_soon(Notifications(world.service, 0.1).run)
            await trio.sleep(0.3)
            answer = await board.ask(question(), _PATIENCE)
            nursery.cancel_scope.cancel()
        return answer

    assert run(main) == Answer(Outcome.NOBODY, "")
