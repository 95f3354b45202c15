"""The proxy's listener: so many connections at once, each with its faults to itself."""

from typing import Final, NoReturn

import trio

from envfs.host.supervision import Tasks, supervised_nursery
from envfs.proxy.client_connection import ClientConnection
from envfs.proxy.daemon_link import DaemonLink
from envfs.proxy.session import ProxySession

_MOST: Final = 256
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
    async with supervised_nursery() as tasks:
        tasks.run(link.run)
        await link.ready(listener.getsockname()[1])
        await _accept(listener, session, tasks)


async def _accept(listener: trio.socket.SocketType, session: ProxySession, tasks: Tasks) -> NoReturn:
    room = trio.Semaphore(_MOST)
    while True:
        await room.acquire()
        try:
            connection, _ = await listener.accept()
        except OSError:  # the client has gone, or there is no descriptor for it: it waits
            room.release()
            await trio.sleep(_PAUSE)
            continue
        tasks.run(_serve, session, connection, room)


async def _serve(session: ProxySession, connection: trio.socket.SocketType, room: trio.Semaphore) -> None:
    try:
        await ClientConnection(session, trio.SocketStream(connection)).serve()
    finally:
        connection.close()
        room.release()
