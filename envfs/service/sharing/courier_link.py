"""A courier, as the daemon holds it: started, told its address, used, ended.

Law: whatever a courier says or does, the daemon goes on. An address is handed over where nobody else reads it.
"""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from envfs.core.secret import Secret
from envfs.courier.link import EngineLink
from envfs.courier.streams import MessageStream
from envfs.errors import BadRequest, StoreUnavailable
from envfs.host.supervision import Tasks, supervised_nursery
from envfs.protocol import courier_requests
from envfs.protocol.courier_requests import BeginCourier, CourierBegun, RequestFailed

_BEGIN_SECONDS = 60.0
_HANDED_ON = ("SSH_AUTH_SOCK",)  # where ssh finds the keys of the person who started the daemon


class CourierProcess:
    """A process `python -m envfs.courier`, and the stream to it."""

    def __init__(self) -> None:
        """Start it. It ends when this process does.

        Raises:
            StoreUnavailable: it cannot be started
        """
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        command = [sys.executable, "-I", "-m", "envfs.courier", str(theirs.fileno())]
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/", env=environment
                )
        except OSError as error:
            ours.close()
            raise StoreUnavailable(f"the courier cannot be started: {os.strerror(error.errno or 0).lower()}") from None
        ours.setblocking(False)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        self.stream = MessageStream(stream, courier_requests.ANSWERS, courier_requests.BLOB_BYTES)

    @property
    def pid(self) -> int:
        """Return its number."""
        return self._process.pid

    async def begin(self, address: Secret[str]) -> int:
        """Tell it its engine. Return the version of Landlock that confines it.

        Raises:
            EnvFSError: it refuses the address
            StoreUnavailable: it does not begin to serve
        """
        try:
            with trio.fail_after(_BEGIN_SECONDS):
                await self.stream.send(BeginCourier(address.reveal()))
                packet = await self.stream.receive()
        except (trio.TooSlowError, BadRequest):
            packet = None
        message = packet.message if packet is not None else None
        if isinstance(message, RequestFailed):
            raise courier_requests.error_of(message)
        if not isinstance(message, CourierBegun):
            raise StoreUnavailable("the courier does not begin to serve", "the daemon's log may say why")
        return message.landlock

    def close(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


class CourierEngine(EngineLink):
    """The engine of a courier. Closing it ends the courier, and the end of the courier fails all questions."""

    def __init__(self, process: CourierProcess) -> None:
        """Use a courier that has begun to serve."""
        super().__init__(process.stream)
        self._process = process

    async def run(self) -> None:
        """Take answers until the courier has ended. End it then, if it said nonsense."""
        try:
            await super().run()
        finally:
            self._process.close()

    async def close(self) -> None:
        """End the courier."""
        self._process.close()
        await super().close()


async def start_courier(address: Secret[str], tasks: Tasks) -> CourierEngine:
    """Start a courier, and take its answers in a task. It has ended when that task has.

    Raises:
        EnvFSError: it refuses the address, or cannot be started
    """
    process = CourierProcess()
    try:
        await process.begin(address)
    except BaseException:
        process.close()
        await process.stream.close()
        raise
    engine = CourierEngine(process)
    tasks.run(engine.run)
    return engine


@asynccontextmanager
async def running_courier(address: Secret[str]) -> AsyncGenerator[CourierEngine, None]:
    """Have a courier for the block.

    Raises:
        EnvFSError: it refuses the address, or cannot be started
    """
    async with supervised_nursery() as tasks:
        engine = await start_courier(address, tasks)
        try:
            yield engine
        finally:
            await engine.close()
            tasks.cancel()
