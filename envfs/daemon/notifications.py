"""Questions on the desktop: a notification for each, as long as it is open (org.freedesktop.Notifications, 1.2).

Laws: a notification can say no, and never yes. Notification servers let any program of the user press a button, and one
that asks may be such a program. Texts are shown as text: no markup, no control characters. A desktop that fails is as
none, and is looked for again. The only importer of jeepney, which need not be there.
"""

import importlib.util
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import trio

from envfs.core.approvals.question import Question, process_words
from envfs.core.visible_text import visible_text
from envfs.dotenv.placeholders.redaction import redact_credentials
from envfs.errors import EnvFSError
from envfs.gate.approvals.watching import QuestionWatch
from envfs.host.supervision import supervised_nursery
from envfs.service.service import Service

if TYPE_CHECKING:
    from jeepney import DBusAddress, Message
    from jeepney.io.trio import DBusRouter

_ADDRESS = "DBUS_SESSION_BUS_ADDRESS"
_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_DENY = "deny"
_LOOK_AGAIN = 30.0
_REPLY_SECONDS = 5.0
_CRITICAL = 2
_UNREAD = 64
_LONGEST = (1 << 31) - 1  # milliseconds


class Notifications:
    """The desktop of the daemon's own user."""

    def __init__(self, service: Service, look_again: float = _LOOK_AGAIN) -> None:
        """Show the questions of `service`. Look for a desktop, and whether it is there, every `look_again` seconds."""
        self._service = service
        self._board = service.open_vault.approvals.board
        self._look_again = look_again
        self._shown: dict[int, Question] = {}  # by the number of the notification

    async def run(self) -> NoReturn:
        """Show questions for ever, where there is a desktop."""
        while True:
            if self._is_wanted():
                try:
                    await self._serve()
                except* Exception:  # noqa: BLE001, S110 - a desktop is another program. Its faults end this alone
                    pass
                self._board.has_notifier = False
                self._shown.clear()
            await trio.sleep(self._look_again)

    def _is_wanted(self) -> bool:
        if not os.environ.get(_ADDRESS) or importlib.util.find_spec("jeepney") is None:
            return False
        with suppress(EnvFSError):
            return self._service.settings.load().approvals.notifies
        return False

    async def _serve(self) -> None:
        from jeepney.io.trio import open_dbus_router  # noqa: PLC0415 - it may not be installed

        with trio.CancelScope() as scope:
            scope.deadline = trio.current_time() + _REPLY_SECONDS
            async with open_dbus_router() as router:
                server = await _find_server(router)
                scope.deadline = float("inf")
                if server:
                    await self._show_all(router, server)

    async def _show_all(self, router: "DBusRouter", server: str) -> None:
        from jeepney import DBusAddress, MatchRule, message_bus  # noqa: PLC0415

        # of this very server: any program may send a signal that looks like it
        rule = MatchRule(type="signal", sender=server, interface=_NAME, path=_PATH)
        await _call(router, message_bus.AddMatch(rule))
        sending, receiving = trio.open_memory_channel["Message"](_UNREAD)
        async with router.filter(rule, channel=sending), supervised_nursery() as tasks:
            self._board.has_notifier = True
            tasks.run(self._hear, receiving)
            with self._board.watch(is_person=False) as watch:
                while self._is_wanted() and await _find_server(router) == server:
                    await self._show(router, DBusAddress(_PATH, server, _NAME), watch)
            tasks.cancel()

    async def _show(self, router: "DBusRouter", address: "DBusAddress", watch: QuestionWatch) -> None:
        from jeepney import new_method_call  # noqa: PLC0415

        with trio.move_on_after(self._look_again):
            await watch.wait()
        for change in watch.take():
            if change.outcome is None:
                (number,) = await _call(router, _notification(address, change.question))
                self._shown[int(str(number))] = change.question
                continue
            for number in [number for number, question in self._shown.items() if question == change.question]:
                del self._shown[number]
                await _call(router, new_method_call(address, "CloseNotification", "u", (number,)))

    async def _hear(self, receiving: "trio.MemoryReceiveChannel[Message]") -> None:
        from jeepney import HeaderFields  # noqa: PLC0415

        async for message in receiving:
            if message.header.fields.get(HeaderFields.member) == "ActionInvoked" and message.body[1] == _DENY:
                question = self._shown.get(message.body[0])
                if question is not None and question in self._board.questions():
                    with suppress(EnvFSError):  # the log cannot be written, so there is no answer
                        self._board.deny(question, self._service.me)
                        await self._service.after_revoke()


async def _find_server(router: "DBusRouter") -> str:
    # the name on the bus of whoever shows notifications now, started if need be. Empty: there is none
    from jeepney import DBusErrorResponse, message_bus  # noqa: PLC0415

    with suppress(DBusErrorResponse):
        (activatable,) = await _call(router, message_bus.ListActivatableNames())
        if isinstance(activatable, list) and _NAME in activatable:
            await _call(router, message_bus.StartServiceByName(_NAME))
        (owner,) = await _call(router, message_bus.GetNameOwner(_NAME))
        return str(owner)
    return ""


async def _call(router: "DBusRouter", message: "Message") -> tuple[object, ...]:
    from jeepney.wrappers import unwrap_msg  # noqa: PLC0415

    with trio.fail_after(_REPLY_SECONDS):
        reply: tuple[object, ...] = unwrap_msg(await router.send_and_get_reply(message))
    return reply


def _notification(address: "DBusAddress", question: Question) -> "Message":
    from jeepney import new_method_call  # noqa: PLC0415

    milliseconds = min(round(1000 * (question.until - question.seconds)), _LONGEST)
    hints = {"urgency": ("y", _CRITICAL), "transient": ("b", True)}
    actions = [_DENY, "Refuse"]
    content = ("EnvFS", 0, "dialog-password", _summary(question), _body(question), actions, hints, milliseconds)
    return new_method_call(address, "Notify", "susssasa{sv}i", content)


def _summary(question: Question) -> str:
    return visible_text(f"{question.name}: a program asks for {question.identity.level}")


def _body(question: Question) -> str:
    sighting = question.sighting
    lines = [
        f"{process_words(sighting.lineage[0])} (pid {sighting.lineage[0].pid}) as uid {question.identity.uid}",
        *(f"below {process_words(process)}" for process in sighting.lineage[1:3]),
        *(f"sends: {forwarded.method} {forwarded.url}" for forwarded in (question.identity.forwarded,) if forwarded),
        f"reason: {sighting.reason}" if sighting.reason else "no reason was given",
        f"all of it: envfs approvals show {question.name}",
        f"to allow it: envfs approvals respond {question.name} yes",
    ]
    import html  # noqa: PLC0415 - it brings a table of 2,000 names, and few desktops get a notification

    return "\n".join(html.escape(visible_text(redact_credentials(line))) for line in lines)
