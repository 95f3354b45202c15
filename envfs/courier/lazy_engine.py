"""An engine that need not be there when a courier starts, and the pauses between tries to reach it."""

from collections.abc import AsyncGenerator, Mapping, Sequence

import trio

from envfs.courier.address import Address
from envfs.courier.connecting import connect_engine
from envfs.courier.engine import Engine
from envfs.errors import EnvFSError, StoreUnavailable

_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Pauses:
    """How long to wait between tries to connect: longer each time, up to a minute. Questions meanwhile fail."""

    def __init__(self) -> None:
        """Begin without a pause."""
        self._pause = 0.0
        self._until = 0.0
        self.longest = _LONGEST_PAUSE
        self.error: EnvFSError = StoreUnavailable("the engine was not reached yet")

    @property
    def seconds(self) -> float:
        """Return how long it is until the next try."""
        return max(0.0, self._until - trio.current_time())

    def check(self) -> None:
        """Let a try go on, or refuse it.

        Raises:
            EnvFSError: the error of the last try, until the pause is over
        """
        if self.seconds > 0:
            raise self.error

    def failed(self, error: EnvFSError) -> None:
        """Pause after a try that failed."""
        self.error = error
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if self._pause else _PAUSE
        self._until = trio.current_time() + self._pause

    def succeeded(self) -> None:
        """Begin again without a pause."""
        self._pause = self._until = 0.0


class LazyEngine:
    """An engine that is connected to when it is first used, and again until that succeeds."""

    def __init__(self, address: Address) -> None:
        """Use the engine at an address."""
        self._address = address
        self._engine: Engine | None = None
        self._pauses = Pauses()
        self._lock = trio.Lock()
        self._is_closed = False

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        return await (await self._connected()).heads(*prefixes)

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        return await (await self._connected()).list(prefix)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there."""
        return await (await self._connected()).get(keys)

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is."""
        return await (await self._connected()).put_new(key, data)

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none."""
        await (await self._connected()).erase(key)

    async def watch(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield streams that may have grown, or EVERYTHING, once the engine is reached."""
        while self._engine is None:
            try:
                await self._connected()
            except StoreUnavailable:
                if self._is_closed:
                    raise
                await trio.sleep(self._pauses.seconds)
        async for stream in self._engine.watch(prefixes):
            yield stream

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        return self._engine.late if self._engine is not None else ""

    async def close(self) -> None:
        """Let go of the engine."""
        self._is_closed = True
        if self._engine is not None:
            await self._engine.close()

    async def _connected(self) -> Engine:
        async with self._lock:
            if self._is_closed:
                raise StoreUnavailable("the engine is closed")
            if self._engine is None:
                self._pauses.check()
                try:
                    self._engine = await connect_engine(self._address)
                except EnvFSError as error:
                    self._pauses.failed(error)
                    raise
            return self._engine
