"""The proxy's listener: so many connections at once, each with its faults to itself.

Law: a stranger, who reaches the port and has no token, keeps no client of the session out.
"""

from functools import partial
from typing import Final, NoReturn

import trio

from envfs.host.supervision import Tasks, supervised_nursery
from envfs.proxy.client_connection import ClientConnection
from envfs.proxy.confinement import confine_proxy
from envfs.proxy.daemon_link import DaemonLink
from envfs.proxy.prompt_stream import PromptStream
from envfs.proxy.session import ProxySession

_MOST, _MOST_NEWCOMERS = 256, 128
_BACKLOG: Final = 128
_PAUSE: Final = 0.1  # seconds, when no descriptor can be had


async def serve_proxy(descriptor: int) -> None:
    """Serve one session until the daemon is gone."""
    link = DaemonLink(descriptor)
    begun = await link.begin()
    session = ProxySession(begun.session, begun.region, link)
    listener = trio.socket.socket()
    await listener.bind(("127.0.0.1", 0))
    listener.listen(_BACKLOG)
    confine_proxy()
    async with supervised_nursery() as tasks:
        tasks.run(link.run)
        await link.ready(listener.getsockname()[1])
        await _accept(listener, session, tasks)


class _Places:
    """The connections: of newcomers, which have shown no token yet, the oldest goes where there are too many."""

    def __init__(self) -> None:
        self._newcomers: dict[trio.CancelScope, None] = {}
        self._room = trio.Semaphore(_MOST)
        self._seated: set[trio.CancelScope] = set()

    def enter(self, connection: trio.CancelScope) -> None:
        """Let a newcomer in."""
        if len(self._newcomers) >= _MOST_NEWCOMERS:
            oldest = next(iter(self._newcomers))
            del self._newcomers[oldest]
            oldest.cancel()
        self._newcomers[connection] = None

    async def seat(self, connection: trio.CancelScope) -> None:
        """Give a connection that showed the token a place, once there is one."""
        self._newcomers.pop(connection, None)
        await self._room.acquire()
        self._seated.add(connection)

    def leave(self, connection: trio.CancelScope) -> None:
        """Let a connection go."""
        self._newcomers.pop(connection, None)
        if connection in self._seated:
            self._seated.remove(connection)
            self._room.release()


async def _accept(listener: trio.socket.SocketType, session: ProxySession, tasks: Tasks) -> NoReturn:
    places = _Places()
    while True:
        try:
            connection, _ = await listener.accept()
        except OSError:  # the client has gone, or there is no descriptor for it: it waits
            await trio.sleep(_PAUSE)
            continue
        scope = trio.CancelScope()
        places.enter(scope)
        tasks.run(_serve, session, connection, places, scope)


async def _serve(
    session: ProxySession, connection: trio.socket.SocketType, places: _Places, scope: trio.CancelScope
) -> None:
    try:
        with scope:
            await ClientConnection(session, PromptStream(connection), partial(places.seat, scope)).serve()
    finally:
        connection.close()
        places.leave(scope)
