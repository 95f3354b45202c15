"""The engine of a server that `envfs store-serve` serves a folder on.

Law: a watch goes on over connections that ended, and begins with a hint for everything each time.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import trio

from envfs.core import shared_keys
from envfs.courier.address import Address
from envfs.courier.engines.ssh.command import NOISE, WITHOUT, serve_command, ssh_command
from envfs.courier.engines.ssh.connection import SshConnection
from envfs.courier.engines.ssh.process import SshProcess
from envfs.courier.link import EngineLink
from envfs.courier.streams import MessageStream
from envfs.errors import BadRequest, StoreUnavailable
from envfs.protocol.courier_requests import (
    ANSWERS,
    BLOB_BYTES,
    VERSION,
    BeginServer,
    RequestFailed,
    ServerBegun,
    error_of,
)

_BEGIN_SECONDS = 20.0


class SshEngine:
    """The engine of one server and folder. It has one connection at a time."""

    def __init__(self, address: Address) -> None:
        """Use the server of an address."""
        self._address = address
        self._connection = SshConnection(address, ssh_command(address, serve_command(address)), self._greeted)

    async def check(self) -> None:
        """Connect.

        Raises:
            StoreUnavailable, NotApproved: the server cannot be used
        """
        await self._linked()

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        return await (await self._linked()).heads(*prefixes)

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        return await (await self._linked()).list(prefix)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there."""
        return await (await self._linked()).get(keys)

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is."""
        return await (await self._linked()).put_new(key, data)

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none, if this member may."""
        await (await self._linked()).erase(key)

    async def watch(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield streams that may have grown, or EVERYTHING, over all connections."""
        shared_keys.check_prefixes(prefixes)
        while True:
            try:
                link = await self._linked()
                async with aclosing(link.watch(prefixes)) as streams:
                    async for stream in streams:
                        yield stream
            except StoreUnavailable:
                if self._connection.is_closed:
                    return
                await self._connection.pause()

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        link = self._connection.link
        return link.late if link is not None else ""

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    async def _linked(self) -> EngineLink:
        return await self._connection.linked()

    async def _greeted(self, process: SshProcess) -> EngineLink:
        stream = MessageStream(process.stream, ANSWERS, BLOB_BYTES)
        await self._greet(process, stream)
        return EngineLink(stream)

    async def _greet(self, process: SshProcess, stream: MessageStream) -> None:
        try:
            with trio.fail_after(_BEGIN_SECONDS):
                await stream.send(BeginServer(VERSION))
                packet = await stream.receive()
        except BadRequest:
            text = f"{self._address.host} says something before it serves"
            raise StoreUnavailable(text, f"{NOISE}; {WITHOUT}") from None
        except (StoreUnavailable, trio.TooSlowError):
            packet = None
        if packet is None:
            raise await process.explain_end()
        if isinstance(packet.message, RequestFailed):
            raise error_of(packet.message)
        if not isinstance(packet.message, ServerBegun) or packet.message.version != VERSION:
            raise StoreUnavailable(f"{self._address.host} has another release of envfs", "use the same on both sides")
