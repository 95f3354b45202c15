"""One connection of a client: by CONNECT, by the base URL of a rule, or unencrypted.

    CONNECT api.example.com:443      a host of a rule is stood for here, any other one is reached through a tunnel
    /TOKEN/r/RULE/path               the base URL: the first host of the rule, without a certificate of ours
    http://example.com/path          passed on, never with a value in it

Law: a client that neither shows the session's token nor is a process with it learns nothing but that.
"""

import base64
import binascii
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import trio

from envfs.errors import EnvFSError
from envfs.host.supervision import supervised_nursery
from envfs.protocol.proxying import AdmitRequest
from envfs.proxy import refusals, relaying
from envfs.proxy.daemon_link import NotAdmitted
from envfs.proxy.exchange import HostConnection
from envfs.proxy.host_pool import HostPool
from envfs.proxy.hosts import HTTPS, Endpoint, parse_endpoint
from envfs.proxy.incoming import Incoming
from envfs.proxy.outgoing import UpstreamFailed
from envfs.proxy.prompt_stream import PromptStream
from envfs.proxy.refusals import Refusal
from envfs.proxy.request_checks import LONGEST_METHOD, LONGEST_TARGET, RawRequest, Rejected
from envfs.proxy.scrubbing import scrubbing_pairs
from envfs.proxy.session import ProxySession
from envfs.proxy.substitution import Unfit
from envfs.proxy.upstream import DIAL_SECONDS, dial
from envfs.proxy.variables import HostRules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.proxy.exchange import AnyIncoming

_BASE = re.compile(rb"/([A-Za-z0-9_-]{1,128})/r/([a-z0-9_-]{1,80})(/[^#]*|\?[^#]*)?")
_PLAIN = re.compile(rb"http://([^/?#@]+)(?:[/?][^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(rb"https?://[^/]*", re.IGNORECASE)
_CREDENTIALS = re.compile(rb"basic[ \t]+([A-Za-z0-9+/=]+)", re.IGNORECASE)
_HANDSHAKE_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 600.0
_HTTP: Final = 80
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)


class ClientConnection:
    """One connection of a client to the proxy."""

    def __init__(self, session: ProxySession, stream: PromptStream, seat: Callable[[], Awaitable[object]]) -> None:
        """Serve a stream. `seat` is awaited once it has shown the token."""
        self._session = session
        self._seat = seat
        self._stream = stream
        self._is_of_session: bool | None = None

    async def serve(self) -> None:
        """Serve requests until the client leaves. Nothing that it sends ends more than this connection."""
        incoming = Incoming(self._stream)
        try:
            await self._serve_first(incoming)
        except (*_GONE, ssl.SSLError, trio.TooSlowError):
            pass
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _serve_first(self, incoming: Incoming) -> None:
        raw = await self._next_request(incoming)
        if raw is None:
            return
        base = _BASE.fullmatch(raw.target)
        if not (await self._may_ask(raw) if base is None else self._session.is_token(base[1])):
            await self._refuse(incoming, raw, "", refusals.needs_token())
            return
        await self._seat()
        if base is not None:
            await self._serve_base(incoming, raw)
        elif raw.method == "CONNECT":
            await self._serve_connect(incoming, raw)
        else:
            await self._serve_plain(incoming, raw)

    async def _may_ask(self, raw: RawRequest) -> bool:
        # some clients, such as Java's, show no token: the environment of their process has it
        if self._shows_token(raw):
            return True
        if not raw.values(b"proxy-authorization") and self._is_of_session is None:
            try:
                address, own = self._stream.socket.getpeername(), self._stream.socket.getsockname()
            except OSError:  # the client has gone
                return False
            self._is_of_session = await self._session.link.is_of_session(address[1], own[1])
        return bool(self._is_of_session)

    def _shows_token(self, raw: RawRequest) -> bool:
        for value in raw.values(b"proxy-authorization"):
            match = _CREDENTIALS.fullmatch(value.strip())
            if match is not None:
                try:
                    _, _, password = base64.b64decode(match[1]).partition(b":")
                except binascii.Error:
                    continue
                if self._session.is_token(password):
                    return True
        return False

    async def _next_request(self, incoming: "AnyIncoming") -> RawRequest | None:
        try:
            with trio.move_on_after(_IDLE_SECONDS):
                return await incoming.read_request()
        except Rejected as rejected:
            await self._answer(incoming, Refusal(rejected.status, _kind(rejected), rejected.text))
        return None

    # -- CONNECT -------------------------------------------------------------------------------------------------------

    async def _serve_connect(self, incoming: Incoming, raw: RawRequest) -> None:
        try:
            endpoint = parse_endpoint(raw.target.decode("ascii"))
        except (EnvFSError, UnicodeDecodeError):
            await self._refuse(
                incoming, raw, "", Refusal(400, "malformed", "the target of CONNECT is no host and port")
            )
            return
        if incoming.early_bytes():
            await self._refuse(incoming, raw, "", Refusal(400, "malformed", "bytes came before the tunnel was there"))
            return
        if self._session.host(endpoint).rules:
            await self._intercept(incoming, raw, endpoint)
        else:
            await self._tunnel(incoming, raw, endpoint)

    async def _tunnel(self, incoming: Incoming, raw: RawRequest, endpoint: Endpoint) -> None:
        try:
            if self._session.is_strict:
                text = f"no rule names {endpoint.authority}, and this session reaches no other hosts"
                await self._refuse(incoming, raw, endpoint.authority, Refusal(403, "no-host", text))
                return
            if endpoint.is_address or endpoint.port != HTTPS:
                await self._refuse(incoming, raw, endpoint.authority, refusals.needs_rule(endpoint))
                return
            link = self._session.link
            await link.admit(AdmitRequest(link.new_number(), "CONNECT", endpoint.authority, "", ""))
            with trio.fail_after(DIAL_SECONDS):
                other = await dial(endpoint, ())
        except (NotAdmitted, UpstreamFailed, trio.TooSlowError) as error:
            await self._refuse(incoming, raw, endpoint.authority, _refusal_of(error, endpoint))
            return
        await incoming.respond(200, [])
        await relaying.relay(self._stream, other)

    async def _intercept(self, incoming: Incoming, raw: RawRequest, endpoint: Endpoint) -> None:
        try:
            context = await self._session.leaf_context(endpoint)
        except NotAdmitted as error:
            await self._refuse(incoming, raw, endpoint.authority, _refusal_of(error, endpoint))
            return
        await incoming.respond(200, [])
        stream = trio.SSLStream(self._stream, context, server_side=True, https_compatible=True)
        with trio.fail_after(_HANDSHAKE_SECONDS):
            await stream.do_handshake()
        async with self._pool(self._session.host(endpoint)) as pool:
            if stream.selected_alpn_protocol() == "h2":
                await self._serve_http2(stream, pool)
            else:
                await self._serve_host(Incoming(stream), pool)

    # -- requests to one host ------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _pool(self, host: HostRules, *, is_tls: bool = True) -> AsyncIterator[HostPool]:
        async with supervised_nursery() as tasks:
            pool = HostPool(self._session, host, tasks, is_tls=is_tls)
            try:
                yield pool
            finally:
                await pool.close()
                tasks.cancel()

    async def _serve_host(self, incoming: Incoming, pool: HostPool) -> None:
        connection = HostConnection(self._session, pool, incoming, scrubbing_pairs(pool.host.scrubbed()))
        while (raw := await self._next_request(incoming)) is not None:
            if not await self._exchange(connection, incoming, raw, pool.host.endpoint):
                return

    async def _serve_http2(self, stream: trio.abc.Stream, pool: HostPool) -> None:
        from envfs.proxy.multiplexed.incoming_stream import Http2Requests, IncomingStream  # noqa: PLC0415 - few sessions speak it

        pairs = scrubbing_pairs(pool.host.scrubbed())

        async def serve(incoming: IncomingStream) -> None:
            raw = await self._next_request(incoming)
            if raw is not None:
                connection = HostConnection(self._session, pool, incoming, pairs)
                await self._exchange(connection, incoming, raw, pool.host.endpoint)

        await Http2Requests(stream, serve).run()

    async def _exchange(
        self, connection: HostConnection, incoming: "AnyIncoming", raw: RawRequest, endpoint: Endpoint
    ) -> bool:
        try:
            return await connection.exchange(raw)
        except Unfit as unfit:
            refusal = refusals.unfit_refusal(unfit, endpoint, self._session.rules)
            await self._refuse(incoming, raw, endpoint.authority, refusal)
            return False
        except (Rejected, NotAdmitted, UpstreamFailed) as error:
            await self._refuse(incoming, raw, endpoint.authority, _refusal_of(error, endpoint))
            return False

    async def _serve_base(self, incoming: Incoming, first: RawRequest) -> None:
        raw: RawRequest | None = first
        connections: dict[Endpoint, HostConnection] = {}
        async with contextlib.AsyncExitStack() as pools:
            while raw is not None:
                base = _BASE.fullmatch(raw.target)
                rule = next((rule for rule in self._session.rules if base and rule.name.encode() == base[2]), None)
                if base is None or not self._session.is_token(base[1]):
                    await self._refuse(incoming, raw, "", refusals.needs_token())
                    return
                if rule is None or rule.hosts[0].host.startswith("*."):
                    text = "no rule of this name has a host for this address"
                    await self._refuse(incoming, raw, "", Refusal(404, "no-rule", text))
                    return
                endpoint = rule.hosts[0]
                if endpoint not in connections:
                    host = self._session.host(endpoint)
                    pool, pairs = await pools.enter_async_context(self._pool(host)), scrubbing_pairs(host.scrubbed())
                    connections[endpoint] = HostConnection(self._session, pool, incoming, pairs)
                to_host = _for_host(raw, base[3] or b"/", endpoint)
                if not await self._exchange(connections[endpoint], incoming, to_host, endpoint):
                    return
                raw = await self._next_request(incoming)

    async def _serve_plain(self, incoming: Incoming, first: RawRequest) -> None:
        # each request shows the token: a client that shares this connection among hosts is led to one after the other
        raw: RawRequest | None = first
        while raw is not None:
            match = _PLAIN.fullmatch(raw.target)
            try:
                endpoint = parse_endpoint(match[1].decode("ascii"), _HTTP) if match else None
            except (EnvFSError, UnicodeDecodeError):
                endpoint = None
            if endpoint is None or not await self._may_ask(raw):
                await self._refuse(incoming, raw, "", Refusal(400, "malformed", "a request to the proxy names a host"))
                return
            if self._session.is_strict:
                text = f"no rule names {endpoint.authority}, and this session reaches no other hosts"
                await self._refuse(incoming, raw, endpoint.authority, Refusal(403, "no-host", text))
                return
            if endpoint.is_address or endpoint.port != _HTTP:
                await self._refuse(incoming, raw, endpoint.authority, refusals.needs_rule(endpoint))
                return
            host = self._session.host(endpoint)._replace(rules=())  # no value goes out unencrypted
            async with self._pool(host, is_tls=False) as pool:
                if not await self._exchange(HostConnection(self._session, pool, incoming, []), incoming, raw, endpoint):
                    return
            raw = await self._next_request(incoming)

    # -- answers of the proxy itself -----------------------------------------------------------------------------------

    async def _refuse(self, incoming: "AnyIncoming", raw: RawRequest, host: str, refusal: Refusal) -> None:
        if refusal.kind == "not-approved":  # the daemon has recorded it, with the question
            await self._answer(incoming, refusal)
            return
        has_path = bool(host) and raw.method != "CONNECT"
        path = _AUTHORITY.sub(b"", raw.target.partition(b"?")[0]).decode("latin-1") if has_path else ""
        await self._session.link.report(raw.method[:LONGEST_METHOD], host, path[:LONGEST_TARGET], refusal.kind)
        await self._answer(incoming, refusal)

    async def _answer(self, incoming: "AnyIncoming", refusal: Refusal) -> None:
        if incoming.has_answered:
            return  # half a response is ended by closing the connection
        body = refusal.body()
        await incoming.respond(refusal.status, refusal.headers(body))
        if not incoming.is_head:
            await incoming.send_body(body)
        await incoming.end()
        await incoming.linger()


def _for_host(raw: RawRequest, rest: bytes, endpoint: Endpoint) -> RawRequest:
    # the address of the proxy itself stands in its Host
    target = rest if rest.startswith(b"/") else b"/" + rest
    others = [(name, value) for name, value in raw.headers if name != b"host"]
    return raw._replace(target=target, headers=((b"host", endpoint.authority.encode()), *others))


def _refusal_of(error: Exception, endpoint: Endpoint) -> Refusal:
    match error:
        case Rejected():
            return Refusal(error.status, "refused", error.text)
        case NotAdmitted():
            return Refusal(error.status, error.code, error.text)
        case UpstreamFailed():
            return Refusal(refusals.BAD_GATEWAY, "upstream", error.text)
        case _:
            return Refusal(refusals.BAD_GATEWAY, "upstream", f"{endpoint.authority} does not answer")


def _kind(rejected: Rejected) -> str:
    return "malformed" if rejected.status == 400 else "refused"  # noqa: PLR2004
