"""The port to the keyholder: one request, and an answer of the type that was expected.

Only `gate` and `service` ask. The daemon connects them with the process that answers.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, NamedTuple, Protocol, TypeVar

Message = TypeVar("Message")
Message_co = TypeVar("Message_co", covariant=True)


class KeyholderAnswer(NamedTuple, Generic[Message]):
    """An answer of the keyholder: the message, its blobs, and the descriptors that came along.

    The descriptors belong to the one who asked, who closes them.
    """

    message: Message
    blobs: tuple[bytes, ...]
    descriptors: tuple[int, ...]


class Keyholder(Protocol):
    """The keyholder, as the gate and the application ask it."""

    async def ask(
        self,
        request: NamedTuple,
        expected: type[Message] | tuple[type[Message], ...],
        blobs: Sequence[bytes] = (),
        descriptors: Sequence[int] = (),
    ) -> KeyholderAnswer[Message]:
        """Send one request and wait for its answer, which is a message of an `expected` type.

        `blobs` are sealed records, `descriptors` lead to secrets, both in the order that the request documents.

        Raises:
            EnvFSError: the refusal of the keyholder
            KeyholderGone: it ended, did not answer in time, or sent no answer to this request
            TooMany: the user who asks has too many requests waiting
        """
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn before anything is gathered for a request. The requests of the block use it."""
        ...
