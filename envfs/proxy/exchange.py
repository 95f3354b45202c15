"""One request to a host and its response, with values put in and taken out.

Laws: nothing is sent before the request is in the access log. Bodies go through piece by piece, both ways at once, and
are held only where a rule names a field of one.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

import trio

from envfs.host.supervision import supervised_nursery
from envfs.protocol.proxying import AdmitRequest
from envfs.proxy import relaying
from envfs.proxy.bodies import LARGEST, body_place_kind, substitute_body
from envfs.proxy.incoming import Incoming
from envfs.proxy.outgoing import Outgoing, ResponseHead, UpstreamFailed
from envfs.proxy.places import is_of_connection
from envfs.proxy.replacing import Replacement
from envfs.proxy.request_checks import RawRequest, Rejected, check_overriding, check_request, is_upgrade
from envfs.proxy.rules import ApprovalNeed, approval_need
from envfs.proxy.scrubbing import (
    BodyFilter,
    Scrubber,
    UnknownCoding,
    credential_pairs,
    keeps_length,
    scrub_header,
    scrubbing_pairs,
)
from envfs.proxy.session import ProxySession
from envfs.proxy.signing import SignedParts, find_signature, payload_digest, sign_again
from envfs.proxy.substitution import RequestHead, substitute_head
from envfs.proxy.upstream import dial, dial_verified
from envfs.proxy.variables import HostRules

_SWITCHING, _WEBSOCKET = 101, b"websocket"
_BODILESS: Final = (204, 304)
Headers = list[tuple[bytes, bytes]]


class Prepared(NamedTuple):
    """A request that may be sent: with values in it. `body` is None if it goes through unread.

    `need` is whether a person has to say yes. `came` is its body as the client sent it, for `each` alone.
    """

    head: RequestHead
    headers: Headers
    body: bytes | None
    keys: tuple[str, ...]
    need: ApprovalNeed = ApprovalNeed.NEVER
    came: bytes = b""


class HostConnection:
    """Requests of one client to one host, over one connection to it as long as that lasts."""

    def __init__(self, session: ProxySession, host: HostRules, incoming: Incoming, *, is_tls: bool = True) -> None:
        """Serve `incoming`. Without `is_tls` the host gets requests unencrypted, and never a value."""
        self._session = session
        self._host = host
        self._incoming = incoming
        self._is_tls = is_tls
        self._outgoing: Outgoing | None = None
        self._of_values = scrubbing_pairs(host.scrubbed()) if is_tls else []
        self._pairs = self._of_values  # those of the request that is served

    async def exchange(self, raw: RawRequest) -> bool:
        """Send one request and its response. False if the connections were used up by it.

        Raises:
            Rejected: its form is not certain
            Unfit: a placeholder stands where its value may not be put in
            NotAdmitted: it is not in the log
            UpstreamFailed: the host gives no response
        """
        head = check_request(raw, self._host.endpoint, b"https" if self._is_tls else b"http")
        prepared = await self._prepare(raw, head)
        if self._of_values:
            self._pairs = [*self._of_values, *credential_pairs(head.headers, prepared.head.headers)]
        rules = [rule for rule in self._host.rules if any(map(rule.concerns, prepared.keys))]
        check_overriding(head, rules)
        name = rules[0].name if rules else ""
        await self._admit(head, name, prepared)
        outgoing = await self._connected()
        await outgoing.send_head(prepared.head.method, prepared.head.target, prepared.headers)
        if prepared.body is not None:
            await outgoing.send_body(prepared.body)
            await outgoing.end()
            return await self._answer(head.method, outgoing) and self._incoming.go_on()
        return await self._both_ways(head.method, outgoing)

    async def _prepare(self, raw: RawRequest, head: RequestHead) -> Prepared:
        signature = find_signature(self._host, head)
        filled, keys = substitute_head(self._host, head)
        kind = body_place_kind(self._host, head) if self._is_tls else None
        came: bytes | None = None
        body: bytes | None = None
        if kind is not None:
            came = await self._whole_body()
            body, more = substitute_body(self._host, head, kind, came)
            keys = tuple(dict.fromkeys((*keys, *more)))
        keys = keys if signature is None else (*signature.names, *keys)
        need = approval_need(self._host.rules, keys, self._host.endpoint, head.method, head.path)
        digest = b"" if signature is None else payload_digest(head.headers, signature.key.name)
        if came is None and (need is ApprovalNeed.EACH or digest is None):
            came = body = await self._whole_body()
        headers = self._headers(raw, filled, body)
        if signature is not None:
            signed = SignedParts(raw.headers, headers, digest or _digest_of(came or b""))
            headers = _with_authorization(headers, sign_again(signature, head, signed))
        return Prepared(filled, headers, body, keys, need, came or b"")

    async def _admit(self, head: RequestHead, rule: str, prepared: Prepared) -> None:
        link, host = self._session.link, self._host.endpoint.authority
        request = AdmitRequest(link.new_number(), head.method, host, head.path, rule, prepared.keys)
        match prepared.need:
            case ApprovalNeed.NEVER:
                await link.admit(request)
            case ApprovalNeed.FIRST:
                await link.admit_by_person(request, self._incoming.wait_until_left)
            case ApprovalNeed.EACH:
                media = next((value for name, value in head.headers if name == b"content-type"), b"").decode("latin-1")
                digest = _digest_of(prepared.came).decode()
                query = head.target.partition(b"?")[2].decode("latin-1")
                shown = request._replace(query=query, media=media, digest=digest, size=len(prepared.came))
                await link.admit_by_person(shown, self._incoming.wait_until_left)
            case _:
                assert_never(prepared.need)

    async def _whole_body(self) -> bytes:
        body = bytearray()
        while (piece := await self._incoming.read_body()) is not None:
            body += piece
            if len(body) > LARGEST:
                raise Rejected(413, "a body that a rule has to look at may have 10 MiB")
        return bytes(body)

    def _headers(self, raw: RawRequest, head: RequestHead, body: bytes | None) -> Headers:
        own, named = self._host.endpoint.authority.encode(), raw.values(b"host")  # HTTP/1.0 may name none
        headers = [(b"host", named[0] if named and not self._is_tls else own)]
        for name, value in head.headers:
            headers.append((name, b"identity" if name == b"accept-encoding" and self._pairs else value))
        if body is not None:
            had_length = body or raw.values(b"content-length") or raw.values(b"transfer-encoding")
            return [*headers, (b"content-length", str(len(body)).encode())] if had_length else headers
        if is_upgrade(raw):
            headers += [(b"connection", b"upgrade"), (b"upgrade", _WEBSOCKET)]
        framing = (b"content-length", b"transfer-encoding")
        return [*headers, *((name, value) for name, value in raw.headers if name in framing)]

    async def _connected(self) -> Outgoing:
        if self._outgoing is None or not self._outgoing.go_on():
            await self.close()
            endpoint, rules = self._host.endpoint, self._host.rules
            stream: trio.abc.Stream = (
                await dial_verified(endpoint, rules, self._session.trust)
                if self._is_tls
                else await dial(endpoint, rules)
            )
            self._outgoing = Outgoing(stream)
        return self._outgoing

    async def _both_ways(self, method: str, outgoing: Outgoing) -> bool:
        # a host may answer before it has the whole body, and then nobody waits for the remainder
        sent = trio.Event()
        async with supervised_nursery() as tasks:
            tasks.run(self._send_body, outgoing, sent)
            is_whole = await self._answer(method, outgoing)
            if not sent.is_set():
                tasks.cancel()
        return is_whole and sent.is_set() and self._incoming.go_on()

    async def _send_body(self, outgoing: Outgoing, sent: trio.Event) -> None:
        try:
            while (piece := await self._incoming.read_body()) is not None:
                await outgoing.send_body(piece)
            await outgoing.end()
            sent.set()
        except (Rejected, UpstreamFailed, trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.aclose_forcefully(outgoing.stream)  # half a request must not look like a whole one

    async def _answer(self, method: str, outgoing: Outgoing) -> bool:
        # false if the connection became another protocol's
        response = await outgoing.read_head()
        while not response.is_final:
            await self._incoming.inform(response.status, self._passed_on(response.headers))
            response = await outgoing.read_head()
        if response.status == _SWITCHING:
            await self._switch(response, outgoing)
            return False
        await self._send_response(method, response, outgoing)
        return True

    async def _send_response(self, method: str, response: ResponseHead, outgoing: Outgoing) -> None:
        headers = self._passed_on(response.headers)
        has_body = method != "HEAD" and response.status not in _BODILESS
        coding = response.value(b"content-encoding")
        body_filter: BodyFilter | None = None
        if has_body and self._pairs:
            try:
                body_filter = Scrubber(self._pairs, coding)
            except UnknownCoding:
                raise UpstreamFailed("the response is in a coding that cannot be looked through for keys") from None
            is_decoded = coding.strip().lower() not in (b"", b"identity")
            headers = [pair for pair in headers if not (is_decoded and pair[0] == b"content-encoding")]
        is_chunked = bool(
            response.value(b"transfer-encoding")
        )  # then any other length counts for nothing (RFC 9112 §6.3)
        length = b"" if is_chunked else response.value(b"content-length")
        if length and (body_filter is None or (keeps_length(self._pairs) and not coding)):
            headers.append((b"content-length", length))
        await self._incoming.respond(response.status, headers, scrub_header(response.reason, self._pairs))
        await self._send_response_body(outgoing, body_filter)

    async def _send_response_body(self, outgoing: Outgoing, body_filter: BodyFilter | None) -> None:
        try:
            while (piece := await outgoing.read_body()) is not None:
                for out in (piece,) if body_filter is None else body_filter.feed(piece):
                    await self._incoming.send_body(out)
            if body_filter is not None:
                await self._incoming.send_body(body_filter.finish())
        except UnknownCoding:
            raise UpstreamFailed("the response is not in the coding that it names, or ends early") from None
        await self._incoming.end()

    def _passed_on(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        pairs: list[Replacement] = self._pairs
        passed = [(name, value) for name, value in headers if not is_of_connection(name.decode("latin-1"))]
        if not pairs:
            return passed
        # the name of a header is no place for a placeholder
        return [(name, scrub_header(value, pairs)) for name, value in passed if scrub_header(name, pairs) == name]

    async def _switch(self, response: ResponseHead, outgoing: Outgoing) -> None:
        if response.value(b"upgrade").lower() != _WEBSOCKET:
            raise UpstreamFailed("the host goes on in another protocol than it was asked for")
        upgrade = [(b"connection", b"upgrade"), (b"upgrade", _WEBSOCKET)]
        await self._incoming.inform(response.status, [*self._passed_on(response.headers), *upgrade])
        await outgoing.stream.send_all(self._incoming.early_bytes())
        await self._incoming.stream.send_all(outgoing.early_bytes())
        await relaying.relay(self._incoming.stream, outgoing.stream)

    async def close(self) -> None:
        """Leave the host."""
        if self._outgoing is not None:
            await trio.aclose_forcefully(self._outgoing.stream)
            self._outgoing = None


def _digest_of(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _with_authorization(headers: Headers, authorization: bytes) -> Headers:
    return [(name, authorization if name == b"authorization" else value) for name, value in headers]
