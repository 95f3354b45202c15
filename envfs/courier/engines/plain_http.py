"""Plain HTTP to a server on this machine, for debugging: each step can be read on the wire and tried with curl.

Laws: nothing is encrypted and nobody is identified, so it leads nowhere but to this machine (`address.py`), and each
connection says so on standard error. There is no way to switch that off.
"""

import sys
import urllib.parse
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Final

import trio

from envfs.core import limits, shared_keys
from envfs.courier.address import Address
from envfs.courier.engine import EVERYTHING
from envfs.courier.http_client import HttpConnection
from envfs.errors import NotApproved, StoreUnavailable, TooLarge

WARNING: Final = (
    "envfs: warning: plain HTTP is for debugging alone: every user of this machine can read this vault's names and"
    " sealed records, and add and erase records\n"
)
_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 1.0
_LISTING_BYTES: Final = 64 << 20
_LINE_BYTES: Final = 1 << 16
_OK, _CREATED, _NO_CONTENT, _FORBIDDEN, _NOT_FOUND, _TAKEN, _TOO_LARGE = 200, 201, 204, 403, 404, 412, 413


async def connect(address: Address) -> "PlainHttpEngine":
    """Connect to a server, and warn.

    Raises:
        StoreUnavailable: it cannot be reached
    """
    sys.stderr.write(WARNING)
    engine = PlainHttpEngine(address)
    await engine.heads("vault")
    return engine


class PlainHttpEngine:
    """The engine of one server: one connection for the questions, and one for each watch."""

    def __init__(self, address: Address) -> None:
        """Connect when something is asked."""
        self._host = address.endpoints[0]
        self._connection: HttpConnection | None = None
        self._watches = set[HttpConnection]()
        self._turn = trio.Lock()
        self._is_closed = False

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        shared_keys.check_prefixes(prefixes)
        lines = await self._lines(f"/heads?{_query(*prefixes)}") if prefixes else ()
        pairs = [line.partition(" ") for line in lines]
        return {stream: int(number) for stream, _, number in pairs if number.isdecimal()}

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        shared_keys.check_prefix(prefix)
        return [key for key in await self._lines(f"/keys?{_query(prefix)}") if shared_keys.is_shared_key(key)]

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there, one request for each."""
        records = dict[str, bytes]()
        for key in keys:
            status, data = await self._ask("GET", _path(key))
            if status == _OK:
                records[key] = data
            elif status != _NOT_FOUND:
                raise _unexpected(status)
        return records

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key.

        Raises:
            StoreUnavailable: the server cannot
        """
        shared_keys.check_shared_record(key, data)
        status, _ = await self._ask("PUT", _path(key), data)
        if status not in (_CREATED, _TAKEN):
            raise _unexpected(status)
        return status == _CREATED

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none.

        Raises:
            StoreUnavailable: the server cannot
        """
        status, _ = await self._ask("DELETE", _path(key))
        if status != _NO_CONTENT:
            raise _unexpected(status)

    async def watch(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield streams that may have grown. A lost connection is opened again."""
        shared_keys.check_prefixes(prefixes)
        while not self._is_closed:
            with suppress(StoreUnavailable):
                async with aclosing(self._hints(prefixes)) as hints:
                    async for stream in hints:
                        yield stream
            if not self._is_closed:
                await trio.sleep(_PAUSE_SECONDS)

    async def _hints(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        connection = await self._open()
        self._watches.add(connection)
        try:
            status = await connection.send("GET", f"/hints?{_query(*prefixes)}")
            if status != _OK:
                raise _unexpected(status)
            buffer = b""
            while (piece := await connection.read_some()) is not None and len(buffer) < _LINE_BYTES:
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    stream = line.decode("ascii", "replace")
                    yield stream if shared_keys.is_shared_stream(stream) else EVERYTHING
        finally:
            self._watches.discard(connection)
            connection.close()

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        return ""

    async def close(self) -> None:
        """Drop the connections."""
        self._is_closed = True
        for connection in self._watches:
            connection.close()
        self._drop()

    async def _lines(self, target: str) -> Sequence[str]:
        status, text = await self._ask("GET", target)
        if status != _OK:
            raise _unexpected(status)
        return text.decode("ascii", "replace").splitlines()

    async def _ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        async with self._turn:
            is_whole = False
            try:
                with trio.fail_after(_SECONDS):
                    answer = await self._exchange(method, target, body)
                is_whole = True
                return answer
            except trio.TooSlowError:
                raise StoreUnavailable("the server does not answer") from None
            finally:
                if not is_whole:
                    self._drop()

    async def _exchange(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        if self._connection is None or not self._connection.go_on():
            self._drop()
            self._connection = await self._open()
        headers = [("If-None-Match", "*")] if method == "PUT" else []
        status = await self._connection.send(method, target, body, headers)
        limit = limits.RECORD_BYTES if target.startswith("/records/") else _LISTING_BYTES
        return status, await self._connection.read_all(limit)

    async def _open(self) -> HttpConnection:
        if self._is_closed:
            raise StoreUnavailable("the engine is closed")
        try:
            with trio.fail_after(_SECONDS):
                return await HttpConnection.open(self._host, None)
        except trio.TooSlowError:
            raise StoreUnavailable("the server does not answer") from None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _path(key: str) -> str:
    shared_keys.check_shared_key(key)
    return f"/records/{key}"


def _query(*prefixes: str) -> str:
    return urllib.parse.urlencode([("prefix", prefix) for prefix in prefixes])


def _unexpected(status: int) -> Exception:
    if status == _FORBIDDEN:
        return NotApproved("the server does not let this member do that")
    if status == _TOO_LARGE:
        return TooLarge("the record is over the limit of the server")
    return StoreUnavailable("the server cannot do it", f"it answers with the status {status}")
