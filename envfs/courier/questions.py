"""The questions of one side that wait for their answers, by number, and how long they do.

Laws: an answer is bounded. A question whose other side says nothing for a while has failed, and so has one that is not
answered in ten minutes, whatever else is said. When a connection has ended, all its questions have failed.
"""

from collections.abc import Callable
from typing import TypeVar

import trio

from envfs.errors import EnvFSError, StoreUnavailable
from envfs.protocol.courier_requests import Packet, RequestFailed, error_of

A = TypeVar("A")
SILENT_SECONDS, LONGEST_SECONDS = 30.0, 600.0
_MOST_BYTES = 256 << 20


class OpenQuestion:
    """A question, and the parts of its answer that are there."""

    def __init__(self) -> None:
        """Begin without an answer."""
        self.packets: list[Packet] = []
        self._size = 0
        self._error: EnvFSError | None = None
        self._done = trio.Event()

    def take(self, packet: Packet, size: int) -> None:
        """Take a part of the answer, of so many bytes."""
        self._size += size
        if isinstance(packet.message, RequestFailed):
            self.fail(error_of(packet.message))
        elif self._size > _MOST_BYTES:
            self.fail(StoreUnavailable("the engine's answer is too long"))
        else:
            self.packets.append(packet)
            if not getattr(packet.message, "more", False):
                self._done.set()

    def fail(self, error: EnvFSError) -> None:
        """End it with an error."""
        self._error = error
        self._done.set()

    async def wait(self, heard: Callable[[], float]) -> None:
        """Wait for the whole answer. `heard` tells when the other side last said anything.

        Raises:
            StoreUnavailable: there is no answer in time
            EnvFSError: the answer is an error
        """
        await wait_for_answer(self._done, heard)
        if self._error is not None:
            raise self._error


async def wait_for_answer(done: trio.Event, heard: Callable[[], float]) -> None:
    """Wait until an answer is whole. `heard` tells when the other side last said anything.

    Raises:
        StoreUnavailable: it is not whole in time
    """
    asked = trio.current_time()
    while not done.is_set():
        limit = min(max(asked, heard()) + SILENT_SECONDS, asked + LONGEST_SECONDS)
        if trio.current_time() >= limit:
            raise StoreUnavailable("the engine does not answer")
        with trio.move_on_at(limit):
            await done.wait()


def expected_answers(packets: list[Packet], kind: type[A]) -> list[A]:
    """Return the messages of an answer.

    Raises:
        StoreUnavailable: one is of another kind
    """
    answers = [packet.message for packet in packets if isinstance(packet.message, kind)]
    if len(answers) != len(packets):
        raise nonsense()
    return answers


def nonsense() -> StoreUnavailable:
    """Say that the other side breaks the protocol."""
    return StoreUnavailable("the engine answers nonsense")
