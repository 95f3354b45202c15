"""A daemon for one connection, as a command starts one where none runs: what several commands would ask, asked in one.

A command by itself costs a client, a daemon and a keyholder. Where the answer counts and not the command, one daemon
gives several.
"""

import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Self

from envfs.errors import BY_CODE
from tests.system.home import SECONDS, Home
from tests.system.peer import Body, Peer


class Answer(NamedTuple):
    """The rows and the reply to one request; a refusal is a reply of type `failed`."""

    rows: list[Body]
    reply: Body

    @property
    def status(self) -> int:
        """Return the status with which a command ends that is answered so."""
        return BY_CODE[str(self.reply["code"])].status if self.reply["type"] == "failed" else 0


class Alone:
    """The daemon. It ends with its connection."""

    def __init__(self, home: Home) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-m", "envfs.daemon", "answer", str(theirs.fileno())],
                env=home.environ(),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
            )
        self.peer = Peer(ours)
        self.peer.socket.settimeout(3 * SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.socket.close()
        _, printed = self.process.communicate(timeout=3 * SECONDS)
        assert b"Traceback" not in printed, printed

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
