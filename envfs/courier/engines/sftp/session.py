"""A session of SFTP: requests that are on their way at once, and their answers by number.

Laws: a request that was given up costs nothing. Where it opened something, that is closed when the answer comes. The
last steps of something are sent and not waited for. A session that has ended, or says nonsense, fails all requests.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import trio

from envfs.core.visible_text import visible_text
from envfs.courier.engines.sftp.packets import VERSION, Body, Code, Kind, PacketDecoder, number, packet, text
from envfs.courier.questions import nonsense, wait_for_answer
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.host.supervision import supervised_nursery

_AT_ONCE: Final = 64  # requests: with the largest answers they are 16 MiB
_HANDLES: Final = 32
_CHUNK: Final = 1 << 16
_PIECE: Final = 1 << 15  # of a file, which every server has to take and give
_LARGEST_PIECE: Final = (1 << 18) - 1024
_LIMITS: Final = "limits@openssh.com"
_LETTERS: Final = 200
_NO_WORDS = ("Failure", "Bad message", "")


class RequestRefused(Exception):
    """A request that the server does not do: the code of its status, and its words."""

    def __init__(self, code: int, words: str) -> None:
        """Take a status."""
        super().__init__(words)
        self.code = code
        self.words = "" if words in _NO_WORDS else visible_text(words[:_LETTERS])


class _Answer:
    def __init__(self) -> None:
        self.arrived = trio.Event()
        self.kind = 0
        self.body = Body(b"")
        self.error: EnvFSError | None = None


class SftpSession:
    """A session with a server, over a stream. `run` has to run while it is used."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Use a stream on which nothing was said yet."""
        self._stream = stream
        self._decoder = PacketDecoder()
        self._numbers = 0
        self._heard = -math.inf
        self._answers: dict[int, _Answer] = {}
        self._turns = trio.CapacityLimiter(_AT_ONCE)
        self.handles = trio.CapacityLimiter(_HANDLES)  # of files and folders that are open at once
        self._outgoing, self._queue = trio.open_memory_channel[bytes](math.inf)
        self.end: EnvFSError | None = None
        self.is_ended = False  # by the other side
        self.extensions: Mapping[str, bytes] = MappingProxyType({})
        self.read_bytes = self.write_bytes = _PIECE

    async def greet(self) -> None:
        """Agree on the version.

        Raises:
            StoreUnavailable: the other side is gone, or is no server of this version
        """
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # what it said before its end is read
            await self._stream.send_all(packet(Kind.INIT, number(VERSION)))
        kind, body = await self._next()
        if kind != Kind.VERSION or body.number() != VERSION:
            raise nonsense()
        extensions: dict[str, bytes] = {}
        while not body.is_over:
            name = body.text().decode("ascii", "replace")
            extensions[name] = body.text()
        self.extensions = MappingProxyType(extensions)
        if _LIMITS in extensions:
            await self._look_at_limits()

    async def _look_at_limits(self) -> None:
        await self._stream.send_all(packet(Kind.EXTENDED, number(0) + text(_LIMITS)))
        kind, body = await self._next()
        if kind == Kind.EXTENDED_REPLY:
            body.take(4 + 8)  # the number of the request, and the limit of a packet
            self.read_bytes, self.write_bytes = _piece(body.offset()), _piece(body.offset())

    async def _next(self) -> tuple[int, Body]:
        while (came := self._decoder.next_packet()) is None:
            await self._feed()
        return came

    async def run(self) -> None:
        """Take answers until the other side is gone or says nonsense. All requests have failed then."""
        try:
            async with supervised_nursery() as tasks:
                tasks.run(self._write)
                await self._read()
                tasks.cancel()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the session. All requests fail."""
        self._fail(StoreUnavailable("the connection to the engine has ended"))
        await trio.aclose_forcefully(self._stream)

    async def ask(self, kind: Kind, body: bytes, expected: Kind = Kind.STATUS) -> Body:
        """Send a request, and wait for its answer of the expected kind.

        Raises:
            RequestRefused: the server does not do it
            StoreUnavailable: the session has ended, or the answer is of another kind
        """
        async with self._turns:
            asked = self.post(kind, body)
            answer = self._answers[asked] = _Answer()
            try:
                await wait_for_answer(answer.arrived, lambda: self._heard)
            except StoreUnavailable:
                await self.close()  # one that waits for a disk would let nothing else pass
                raise
            finally:
                del self._answers[asked]
        if answer.error is not None:
            raise answer.error
        if answer.kind == Kind.STATUS:
            code = answer.body.number()
            if code != Code.OK:
                raise RequestRefused(code, _words(answer.body))
        if answer.kind != expected:
            raise nonsense()
        return answer.body

    async def extended(self, name: str, body: bytes, expected: Kind = Kind.STATUS) -> Body:
        """Send a request that has a name, and wait for its answer. As `ask`."""
        return await self.ask(Kind.EXTENDED, text(name) + body, expected)

    def post(self, kind: Kind, body: bytes) -> int:
        """Send a request whose answer nobody waits for. Return its number.

        Raises:
            StoreUnavailable: the session has ended
        """
        if self.end is not None:
            raise self.end
        self._numbers = (self._numbers + 1) % (1 << 32)
        self._outgoing.send_nowait(packet(kind, number(self._numbers) + body))
        return self._numbers

    async def _write(self) -> None:
        try:
            async for data in self._queue:
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.close()

    async def _read(self) -> None:
        try:
            while True:
                self._take(*(await self._next()))
        except StoreUnavailable as error:
            self._fail(error)

    async def _feed(self) -> None:
        try:
            data = await self._stream.receive_some(_CHUNK)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if not data:
            self.is_ended = True
            raise StoreUnavailable("the connection to the engine has ended")
        self._heard = trio.current_time()
        self._decoder.feed(bytes(data))

    def _take(self, kind: int, body: Body) -> None:
        answer = self._answers.get(body.number())
        if answer is not None:
            answer.kind, answer.body = kind, body
            answer.arrived.set()
        elif kind == Kind.HANDLE:
            self.post(Kind.CLOSE, text(body.text()))

    def _fail(self, error: EnvFSError) -> None:
        if self.end is None:
            self.end = error
        for answer in self._answers.values():
            answer.error = self.end
            answer.arrived.set()


async def all_of(asks: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Ask several things at once.

    Raises:
        RequestRefused, EnvFSError: the first error of one. The rest is given up
    """
    errors: list[RequestRefused | EnvFSError] = []
    async with supervised_nursery() as tasks:

        async def run(ask: Callable[[], Awaitable[object]]) -> None:
            try:
                await ask()
            except (RequestRefused, EnvFSError) as error:
                errors.append(error)
                tasks.cancel()

        for ask in asks:
            tasks.run(run, ask)
    if errors:
        raise errors[0]


def _words(body: Body) -> str:
    return "" if body.is_over else body.text().decode("utf-8", "replace")


def _piece(size: int) -> int:
    return min(size, _LARGEST_PIECE) if size else _PIECE
