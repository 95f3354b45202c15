"""One connection of ssh to a server, for all questions of an engine.

Laws: a connection that has ended is made again when it is needed, after pauses that grow. A request in a pause fails
at once. The process of ssh ends with its connection.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import trio

from envfs.courier.address import Address
from envfs.courier.engines.ssh.process import SshProcess, start_ssh
from envfs.courier.lazy_engine import Pauses
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.host.supervision import run_in_background


class ServerLink(Protocol):
    """The answers of a server to questions, over a stream."""

    end: EnvFSError | None

    async def run(self) -> None:
        """Take answers until the connection has ended."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


L = TypeVar("L", bound=ServerLink)


class SshConnection(Generic[L]):
    """The connection to one server, and what it runs there. There is one at a time: `link` is the newest."""

    def __init__(self, address: Address, command: list[str], greet: Callable[[SshProcess], Awaitable[L]]) -> None:
        """Connect by `command` when it is needed. `greet` makes a link of a process, or says why it cannot."""
        self._address = address
        self._command = command
        self._greet = greet
        self.link: L | None = None
        self._lock = trio.Lock()
        self._pauses = Pauses()
        self.is_closed = False

    async def linked(self) -> L:
        """Return the link, connected.

        Raises:
            StoreUnavailable, NotApproved: the server cannot be used
        """
        async with self._lock:
            if self.is_closed:
                raise StoreUnavailable("the engine is closed")
            if self.link is None or self.link.end is not None:
                self._pauses.check()
                try:
                    self.link = await self._connect()
                except EnvFSError as error:
                    self._pauses.failed(error)
                    raise
            return self.link

    async def pause(self) -> None:
        """Wait until the next try to connect may be made."""
        await trio.sleep(self._pauses.seconds)

    async def close(self) -> None:
        """End the connection."""
        self.is_closed = True
        if self.link is not None:
            await self.link.close()

    async def _connect(self) -> L:
        process = await start_ssh(self._address, self._command)
        try:
            link = await self._greet(process)
        except BaseException:
            with trio.CancelScope(shield=True):
                await process.end()
            raise
        run_in_background(self._use, link, process)
        return link

    async def _use(self, link: L, process: SshProcess) -> None:
        begun = trio.current_time()
        try:
            await link.run()
        finally:
            if trio.current_time() - begun > self._pauses.longest:
                self._pauses.succeeded()
            else:
                self._pauses.failed(link.end or StoreUnavailable("the connection to the engine has ended"))
            with trio.CancelScope(shield=True):
                await process.end()
