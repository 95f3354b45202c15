"""The connections to one host that one client's requests go over: one of HTTP/2, or of HTTP/1.1 as many as it takes.

Law: no two clients share a connection. Which protocol a host speaks is agreed on by TLS (RFC 7301), and a WebSocket has
HTTP/1.1.
"""

from typing import Final

import trio

from envfs.host.supervision import Tasks
from envfs.proxy.outgoing import Outgoing
from envfs.proxy.session import ProxySession
from envfs.proxy.upstream import dial, dial_verified
from envfs.proxy.variables import HostRules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.proxy.multiplexed.outgoing_stream import Http2Host, OutgoingStream

    AnyOutgoing = Outgoing | OutgoingStream

_MOST_IDLE: Final = 16


class HostPool:
    """The connections to a host. `tasks` read from those of HTTP/2."""

    def __init__(self, session: ProxySession, host: HostRules, tasks: Tasks, *, is_tls: bool = True) -> None:
        """Begin with none. Without `is_tls` the host is spoken to unencrypted."""
        self._session = session
        self.host = host
        self.is_tls = is_tls
        self._tasks = tasks
        self._idle: list[Outgoing] = []
        self._dialling = trio.Lock()
        self._http2: Http2Host | None = None
        self._may_be_http2 = is_tls and host.is_http2

    async def take(self, *, is_upgrade: bool = False) -> "AnyOutgoing":
        """Return what sends one request.

        Raises:
            UpstreamFailed: the host cannot be reached, or is not verified
        """
        if self._may_be_http2 and not is_upgrade:
            async with self._dialling:
                if self._may_be_http2:
                    return await self._take_http2()
        while self._idle:
            outgoing = self._idle.pop()
            if outgoing.go_on():
                return outgoing
            await outgoing.abort()
        return Outgoing(await self._dial(http2=False))

    async def _take_http2(self) -> "AnyOutgoing":
        from envfs.proxy.multiplexed.outgoing_stream import Http2Host, OutgoingStream  # noqa: PLC0415 - few sessions speak it

        if self._http2 is None or not self._http2.is_usable:
            stream = await self._dial(http2=True)
            if not isinstance(stream, trio.SSLStream) or stream.selected_alpn_protocol() != "h2":
                self._may_be_http2 = False
                return Outgoing(stream)
            self._http2 = Http2Host(stream)
            self._tasks.run(self._http2.run)
        return OutgoingStream(self._http2)

    async def _dial(self, *, http2: bool) -> trio.abc.Stream:
        endpoint, rules = self.host.endpoint, self.host.rules
        if not self.is_tls:
            return await dial(endpoint, rules)
        return await dial_verified(endpoint, rules, self._session.trust(http2=http2))

    async def give_back(self, outgoing: "AnyOutgoing") -> None:
        """Take back what sent a request, for the next one if there can be one."""
        if isinstance(outgoing, Outgoing) and outgoing.is_reusable() and len(self._idle) < _MOST_IDLE:
            self._idle.append(outgoing)
        else:
            await outgoing.abort()

    async def close(self) -> None:
        """Leave the host."""
        while self._idle:
            await self._idle.pop().abort()
        if self._http2 is not None:
            self._http2.leave()
