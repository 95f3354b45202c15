"""One request on its way through the daemon."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.errors import BadRequest
from envfs.host.callers.peers import Peer
from envfs.protocol.control import Reply, Row
from envfs.service.service import Service


class Sent(NamedTuple):
    """A reply, the blobs that go with it, and what to do once all is sent or could not be.

    `check` is called before each blob, and raises when they must not be sent any more.
    """

    reply: Reply
    blobs: tuple[bytes | memoryview, ...] = ()
    check: Callable[[], None] | None = None
    then: Callable[[], None] | None = None


class Call(NamedTuple):
    """The caller, the descriptors, how to send rows before the reply, and whether the client has left.

    `peer` is the process of the client, as long as it lives. It `wants_no_more` of an answer without an end when it has
    left, or its next request has come.
    """

    service: Service
    caller: Caller
    descriptors: tuple[int, ...]
    send_row: Callable[[Row], Awaitable[None]]
    send_rows: Callable[[Iterable[Row]], Awaitable[None]]
    left: Callable[[], bool]
    peer: Peer
    wants_no_more: Callable[[], bool]

    def descriptor(self, what: str) -> tuple[int, ...]:
        """Return the one descriptor that the request needs.

        Raises:
            BadRequest: it did not come
        """
        if not self.descriptors:
            raise BadRequest(f"the request lacks the descriptor with {what}")
        return self.descriptors[:1]
