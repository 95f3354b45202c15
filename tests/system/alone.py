"""A daemon for one connection, as a command starts one where none runs: what several commands would ask, asked in one.

A command by itself costs a client, a daemon and a keyholder, each of which has to start. Where the answer counts and
not the command, one daemon gives several, and no interpreter is started for it.
"""

import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Self

import trio

from envfs import locations
from envfs.daemon import daemon
from envfs.errors import BY_CODE, EnvFSError
from tests.system import forked
from tests.system.home import SECONDS, Home
from tests.system.peer import Body, Peer, frame


class Answer(NamedTuple):
    """The rows and the reply to one request; a refusal is a reply of type `failed`."""

    rows: list[Body]
    reply: Body

    @property
    def status(self) -> int:
        """Return the status with which a command ends that is answered so."""
        return BY_CODE[str(self.reply["code"])].status if self.reply["type"] == "failed" else 0


class Alone:
    """The daemon, in a thread of this process, with a keyholder of its own. It ends with its connection."""

    def __init__(self, home: Home) -> None:
        ours, theirs = socket.socketpair()
        self.peer = Peer(ours)
        self.peer.socket.settimeout(3 * SECONDS)
        self._places = locations.find_locations(home.environ(), home.uid, str(home.path))
        self._thread = threading.Thread(target=self._answer, args=(theirs,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.socket.close()
        self._thread.join(3 * SECONDS)
        assert not self._thread.is_alive()

    def _answer(self, connection: socket.socket) -> None:
        keyholder = forked.nursery().start_keyholder()
        with connection, keyholder.socket, keyholder.process:
            refusal = _refusal(partial(daemon.answer_one_client, self._places, connection, keyholder))
            keyholder.socket.close()  # by which it ends, if nothing took it over
            if refusal is not None:  # as the program around it tells its client
                body = {"type": "failed", "code": refusal.code, "text": refusal.text, "hint": refusal.hint}
                with suppress(OSError):
                    connection.sendall(frame(body))

    def ask(self, body: Body, *secrets: str) -> Answer:
        """Ask for something. EOFError if the daemon has refused to serve at all, and ended."""
        try:
            return Answer(*self.peer.ask_all(body, secrets))
        except OSError as error:
            raise EOFError from error

    def ask_as_commands_do(self, body: Body) -> Answer:
        """Ask for something, and where that is locked, to unlock it: it may say why it cannot."""
        answer = self.ask(body)
        if answer.reply.get("code") != "locked":
            return answer
        unlocked = self.ask({"type": "unlock", "seconds": 0, "project": ""})
        return unlocked if unlocked.status else self.ask(body)


def reading(level: str, name: str) -> Body:
    """Return the request with which `envfs get` asks for a variable."""
    return {"type": "read-view", "level": level, "format": "value", "channel": "get", "only": [name]}


def _refusal(work: Callable[[], Awaitable[None]]) -> EnvFSError | None:
    """Do something to its end, or until it is refused."""
    try:
        trio.run(work)
    except EnvFSError as error:
        return error
    except BaseExceptionGroup as group:
        foreseen, unforeseen = group.split(EnvFSError)
        if foreseen is None or unforeseen is not None:
            raise
        return _first(foreseen)
    return None


def _first(group: BaseExceptionGroup[EnvFSError]) -> EnvFSError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def answers(home: Home, bodies: Sequence[Body]) -> list[Answer]:
    """Ask one daemon for all of them, and the next one where it has ended, as it does where it cannot even start."""
    told: list[Answer] = []
    while len(told) < len(bodies):
        before = len(told)
        with Alone(home) as alone, suppress(EOFError):
            for body in bodies[before:]:
                told.append(alone.ask_as_commands_do(body))  # noqa: PERF401 - those before the end count
        assert len(told) > before
    return told


def verified(home: Home) -> Answer:
    """Have the vault verified: by the daemon that serves it, or by one of this question's own."""
    if not home.socket.exists():
        return answers(home, [{"type": "verify-vault"}])[0]
    with Peer(home.socket) as peer:
        return Answer(*peer.ask_all({"type": "verify-vault"}))
