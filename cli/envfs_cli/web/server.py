"""The server of the page, from its start to its end.

Laws: it listens at 127.0.0.1 alone, and closes a connection of another user before it reads a byte of it. It ends with
the process that started it, and when nobody has looked for a while. A URL that lets somebody in is printed, and stands
in no argument, no file and no log.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from envfs.errors import Conflict
from envfs_cli import output
from envfs_cli.web import peers
from envfs_cli.web.application import Application
from envfs_cli.web.asking import PageAsker
from envfs_cli.web.sessions import BrowserSessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from starlette.types import Scope

HOST = "127.0.0.1"
_MOST_CONNECTIONS, _MOST_HEAD = 64, 16 << 10
_MOST_IDLE = 32  # connections without a request under way: a further one ends the one that came first
_MOST_UNSEEN = 16  # connections that wait to be looked at: another user's may stand before a browser's
_FIRST_REQUEST_SECONDS, _KEEP_SECONDS, _LAST_SECONDS = 10, 30, 2
_LOOK_SECONDS, _MOST_LINE = 1.0, 4096
_LOOKS_FOR_PROCESS, _LOOK_AGAIN_SECONDS = 5, 0.1


class OwnProtocol(H11Protocol):
    """HTTP/1.1 with this user's own processes."""

    came_at = 0.0  # seconds of the loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it."""
        super().connection_made(transport)
        peer = peers.find_peer(self.client, self.server) if self.client and self.server else None
        if peer is None or peer.uid != os.geteuid():
            transport.abort()
        else:
            self.came_at = self.loop.time()
            self._end_oldest_idle()
            self.loop.call_later(_FIRST_REQUEST_SECONDS, self._end_silent)

    def _end_oldest_idle(self) -> None:
        # of the same user's processes: whoever opens many leaves room for the person's browser
        own = [other for other in self.connections if isinstance(other, OwnProtocol)]
        idle = sorted((other for other in own if other.is_idle), key=lambda other: other.came_at)
        for other in idle[:-_MOST_IDLE]:
            other.transport.abort()
            self.connections.discard(other)

    def _end_silent(self) -> None:
        if not self.has_asked:
            self.transport.abort()

    @property
    def has_asked(self) -> bool:
        """Tell whether a request was whole."""
        return self.cycle is not None

    @property
    def is_idle(self) -> bool:
        """Tell whether no request is under way."""
        return not self.has_asked or self.cycle.response_complete


def serve_page(port: int, idle_seconds: int, *, takes_answers: bool) -> None:
    """Serve until the process is ended, or nobody has looked for so many seconds.

    Raises:
        Conflict: the port is not free
    """
    logging.disable()  # the libraries would write what browsers sent
    listener = _listen(port)
    sessions = BrowserSessions()
    address = f"{HOST}:{listener.getsockname()[1]}"
    application = Application(PageAsker(takes_answers=takes_answers), sessions, address, process_of_request)
    config = uvicorn.Config(
        application,
        http=OwnProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        backlog=_MOST_UNSEEN,
        h11_max_incomplete_event_size=_MOST_HEAD,
        timeout_keep_alive=_KEEP_SECONDS,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    asyncio.run(_Serving(uvicorn.Server(config), application, sessions, address).run(listener, idle_seconds))


def process_of_request(scope: "Scope") -> str:
    """Return a name for the process that sends a request, empty if it cannot be seen."""
    peer = peers.find_peer(tuple(scope["client"]), tuple(scope["server"]))
    if peer is None:
        return ""
    for _ in range(_LOOKS_FOR_PROCESS):
        if process := peers.process_of(peer):
            return process
        time.sleep(_LOOK_AGAIN_SECONDS)  # a browser that starts is changing all the while
    return ""


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_MOST_UNSEEN)  # before the URL is printed: who opens it at once has to wait, and is not refused
    except OSError:
        listener.close()
        raise Conflict(f"port {port} is not free", "name another one with --port, or leave it out") from None
    return listener


class _Serving:
    """The server, its end, and the URLs that a person asks for meanwhile."""

    def __init__(
        self, server: uvicorn.Server, application: Application, sessions: BrowserSessions, address: str
    ) -> None:
        self._server = server
        self._application = application
        self._sessions = sessions
        self._address = address
        self._parent = os.getppid()

    async def run(self, listener: socket.socket, idle_seconds: int) -> None:
        """Serve on a socket, until the end."""
        watching = asyncio.create_task(self._watch(idle_seconds))
        self._print_url()
        if os.isatty(0):
            self._listen_to_keys()
        try:
            await self._server.serve([listener])
        finally:
            watching.cancel()

    def _print_url(self) -> None:
        output.print_row(f"http://{self._address}/open/{self._sessions.new_url_word()}")

    async def _watch(self, idle_seconds: int) -> None:
        while not self._server.should_exit:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._sessions.idle_seconds > idle_seconds:
                output.done("nobody has looked for a while, so the page has ended")
                self._server.should_exit = True
            if os.getppid() != self._parent:
                self._server.should_exit = True
        self._application.news.end()

    def _listen_to_keys(self) -> None:
        asyncio.get_running_loop().add_reader(0, self._take_key)

    def _take_key(self) -> None:
        loop = asyncio.get_running_loop()
        if not _is_in_front():  # the line is for another program: to read it would stop this one
            loop.remove_reader(0)
            loop.call_later(_LOOK_SECONDS, self._listen_to_keys)
            return
        with contextlib.suppress(OSError):
            if os.read(0, _MOST_LINE):
                self._print_url()
                return
        loop.remove_reader(0)


def _is_in_front() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
