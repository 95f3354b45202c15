"""`envfs store-serve --http 127.0.0.1:PORT DIR`: a folder by plain HTTP on this machine, for debugging.

    GET /heads?prefix=P    a line for each stream: its name and its newest number
    GET /keys?prefix=P     a line for each key
    GET /records/KEY       the bytes of a record
    PUT /records/KEY       with `If-None-Match: *`: 201, or 412 where the key is taken
    DELETE /records/KEY    leaves an empty record
    GET /hints?prefix=P    a line for each stream that may have grown, without an end. An empty one: any

Laws: it listens on a loopback address alone, and warns. A page in a browser cannot use it: a request of another
origin, or under another name of a host, is refused. It reads and writes nothing but the folder.
"""

import ipaddress
import os
import sys
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from types import MappingProxyType
from typing import Final, NamedTuple

import h11
import trio

from envfs.core import limits
from envfs.courier.engines.folder import FolderEngine
from envfs.courier.engines.plain_http import WARNING
from envfs.errors import BadName, BadRequest, EnvFSError, NotApproved, TooLarge
from envfs.host import surprises
from envfs.host.process import hardening, landlock
from envfs.host.supervision import Tasks, supervised_nursery

_CHUNK: Final = 1 << 16
_MOST_CONNECTIONS: Final = 64
_IDLE_SECONDS: Final = 300.0
_STATUS: Final[Mapping[type, int]] = MappingProxyType({BadName: 400, BadRequest: 400, NotApproved: 403, TooLarge: 413})
_UNAVAILABLE: Final = 503
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})  # a page of another name may lead here, too
_OF_BROWSERS: Final = frozenset({b"origin", b"referer", b"sec-fetch-site"})


class PlainRequest(NamedTuple):
    """A request whose body was read."""

    method: str
    path: str
    prefixes: tuple[str, ...]
    headers: Mapping[bytes, bytes]
    body: bytes


class PlainAnswer(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes = b""


def main() -> int:
    """Serve the folder that the arguments name, at the address before it. Returns an exit status."""
    hardening.harden()
    hardening.give_up_privileges()
    try:
        host, port = parse_listening(sys.argv[1])
        trio.run(_serve_confined, host, port, os.path.realpath(sys.argv[2]))
    except KeyboardInterrupt:
        return 0
    except EnvFSError as error:
        sys.stderr.write(f"envfs: error: {error.text}\n")
        return error.status
    except BaseException as error:  # noqa: BLE001 - this is where a surprise ends
        surprises.report_bug(error)
        return 1
    return 0


async def _serve_confined(host: str, port: int, folder: str) -> None:
    await serve_plain_http(host, port, folder, _Confining(folder))


class _Confining:
    """Confines this process once it listens: before any thread is there, which would stay as it is."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def started(self, _port: int | None = None) -> None:
        """Give up all but the folder."""
        _confine(self._folder)


def parse_listening(text: str) -> tuple[str, int]:
    """Read a loopback address and a port.

    Raises:
        BadRequest: it is something else
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback or not port.isdecimal() or not 0 <= int(port) < 1 << 16:
        raise BadRequest("plain HTTP is served on a loopback address alone", "as in --http 127.0.0.1:8080")
    return host, int(port)


async def serve_plain_http(
    host: str, port: int, folder: str, task_status: "trio.TaskStatus[int] | _Confining" = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve a folder until cancelled. The task has started, with its port, when it listens.

    Raises:
        StoreUnavailable: there is no such folder
        BadRequest: the port is taken
    """
    engine = FolderEngine(folder)
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError:
        raise BadRequest("that address is in use", "name another port") from None
    sys.stderr.write(WARNING)
    server = PlainHttpServer(engine)
    task_status.started(listeners[0].socket.getsockname()[1])
    await engine.check()
    await trio.serve_listeners(server.serve, listeners)


def _confine(folder: str) -> None:
    readable = ("/usr", "/lib", "/lib64", "/etc", sys.prefix, sys.base_prefix, *filter(os.path.isabs, sys.path))
    landlock.confine_landlock(readable, (folder, "/dev/null"))


class PlainHttpServer:
    """The answers, of one folder."""

    def __init__(self, engine: FolderEngine) -> None:
        """Serve a folder."""
        self._engine = engine
        self._places = trio.CapacityLimiter(_MOST_CONNECTIONS)
        self._verbs: Mapping[tuple[str, str], Callable[[PlainRequest], Awaitable[PlainAnswer]]] = {
            ("GET", "/heads"): self._heads,
            ("GET", "/keys"): self._keys,
            ("GET", "/records"): self._get,
            ("PUT", "/records"): self._put,
            ("DELETE", "/records"): self._delete,
        }

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection. A client that is silent for long is let go."""
        async with self._places, stream:
            connection = PlainConnection(stream)
            try:
                while (request := await connection.read()) is not None:
                    if (request.method, request.path) == ("GET", "/hints") and _is_allowed(request):
                        await self._send_hints(request, connection)
                        return
                    await connection.answer(await self._answer(request))
            except (h11.ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
                return  # it speaks something else, or nothing, or has left

    async def _answer(self, request: PlainRequest) -> PlainAnswer:
        first = "/records" if request.path.startswith("/records/") else request.path
        verb = self._verbs.get((request.method, first))
        if not _is_allowed(request):
            return PlainAnswer(403, b"not for browsers, and for this machine alone\n")
        if verb is None:
            return PlainAnswer(404, b"there is /heads, /keys, /records/KEY and /hints\n")
        try:
            return await verb(request)
        except EnvFSError as error:
            return PlainAnswer(_STATUS.get(type(error), _UNAVAILABLE), f"{error.text}\n".encode())

    async def _heads(self, request: PlainRequest) -> PlainAnswer:
        heads = await self._engine.heads(*(request.prefixes or ("",)))
        return _lines(f"{stream} {number}" for stream, number in sorted(heads.items()))

    async def _keys(self, request: PlainRequest) -> PlainAnswer:
        return _lines(await self._engine.list(_prefix(request)))

    async def _get(self, request: PlainRequest) -> PlainAnswer:
        key = _key(request)
        records = await self._engine.get([key])
        return PlainAnswer(200, records[key]) if key in records else PlainAnswer(404)

    async def _put(self, request: PlainRequest) -> PlainAnswer:
        if request.headers.get(b"if-none-match") != b"*":
            return PlainAnswer(428, b"a record is written once: send If-None-Match: *\n")
        return PlainAnswer(201 if await self._engine.put_new(_key(request), request.body) else 412)

    async def _delete(self, request: PlainRequest) -> PlainAnswer:
        await self._engine.erase(_key(request))
        return PlainAnswer(204)

    async def _send_hints(self, request: PlainRequest, connection: "PlainConnection") -> None:
        async with aclosing(self._engine.watch(request.prefixes)) as watch, supervised_nursery() as tasks:
            tasks.run(_cancel_once_left, connection, tasks)
            await connection.begin()
            async for stream in watch:
                await connection.send_piece(f"{stream}\n".encode())


class PlainConnection:
    """One connection of a client."""

    def __init__(self, stream: trio.SocketStream) -> None:
        """Use a stream."""
        self._stream = stream
        self._http = h11.Connection(h11.SERVER)

    async def read(self) -> PlainRequest | None:
        """Return the next request, and None once the client has left."""
        with trio.fail_after(_IDLE_SECONDS):
            if self._http.our_state is h11.DONE:
                self._http.start_next_cycle()
            head = await self._next()
            if not isinstance(head, h11.Request):
                return None
            body = b""
            while isinstance(event := await self._next(), h11.Data) and len(body) <= limits.RECORD_BYTES:
                body += event.data
        target = urllib.parse.urlsplit(head.target.decode())
        prefixes = tuple(
            value for name, value in urllib.parse.parse_qsl(target.query, keep_blank_values=True) if name == "prefix"
        )
        headers = {bytes(name): bytes(value) for name, value in head.headers}
        return PlainRequest(head.method.decode(), urllib.parse.unquote(target.path), prefixes, headers, body)

    async def answer(self, answer: PlainAnswer) -> None:
        """Send an answer. A connection whose request was not read to its end is of no more use."""
        headers = [("Content-Length", str(len(answer.body))), ("Content-Type", "text/plain; charset=us-ascii")]
        if self._http.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        await self._send(h11.Response(status_code=answer.status, headers=headers))
        await self.send_piece(answer.body)
        await self._send(h11.EndOfMessage())

    async def begin(self) -> None:
        """Begin an answer without an end."""
        await self._send(h11.Response(status_code=200, headers=[("Transfer-Encoding", "chunked")]))

    async def send_piece(self, data: bytes) -> None:
        """Send a piece of an answer."""
        await self._send(h11.Data(data=data))

    async def wait_until_left(self) -> None:
        """Wait until the client has closed the connection."""
        while await self._stream.receive_some(_CHUNK):
            pass

    async def _send(self, event: h11.Event) -> None:
        await self._stream.send_all(self._http.send(event) or b"")

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(bytes(await self._stream.receive_some(_CHUNK)))
        return event


async def _cancel_once_left(connection: PlainConnection, tasks: Tasks) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await connection.wait_until_left()
    tasks.cancel()


def _is_allowed(request: PlainRequest) -> bool:
    host = request.headers.get(b"host", b"").decode("ascii", "replace").rpartition(":")[0]
    return not _OF_BROWSERS & request.headers.keys() and host in _HOSTS


def _prefix(request: PlainRequest) -> str:
    return request.prefixes[0] if request.prefixes else ""


def _key(request: PlainRequest) -> str:
    return request.path.removeprefix("/records/")


def _lines(texts: Iterable[str]) -> PlainAnswer:
    return PlainAnswer(200, "".join(f"{text}\n" for text in texts).encode())


if __name__ == "__main__":
    sys.exit(main())
