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
from envfs.proxy.bodies import LARGEST, body_place_kind, has_messages, substitute_body, substitute_message
from envfs.proxy.daemon_link import NotAdmitted
from envfs.proxy.grpc_messages import QUIET_SECONDS, MessageScrubber, is_of_messages
from envfs.proxy.host_pool import HostPool
from envfs.proxy.incoming import Incoming
from envfs.proxy.inner_lengths import has_inner_lengths, of_same_length
from envfs.proxy.outgoing import NotTaken, Outgoing, ResponseHead, UpstreamFailed
from envfs.proxy.parts import is_partial, may_be_cut, without_offers, without_ranges
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
    scrub_headers,
)
from envfs.proxy.session import ProxySession
from envfs.proxy.signing import SignedParts, find_signature, payload_digest, sign_again
from envfs.proxy.substitution import RequestHead, Unfit, substitute_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.proxy.multiplexed.incoming_stream import IncomingStream
    from envfs.proxy.multiplexed.outgoing_stream import OutgoingStream

    AnyIncoming = Incoming | IncomingStream
    AnyOutgoing = Outgoing | OutgoingStream

_TIMES: Final = 3  # that a request is sent, where the host says that it did nothing with it
_SWITCHING, _WEBSOCKET, _HTTP2 = 101, b"websocket", b"2"
_EXTENSIONS: Final = b"sec-websocket-extensions"
_FRAMING: Final = (b"content-length", b"transfer-encoding")
_BODILESS: Final = (204, 304)
_AS_IT_IS: Final = (b"", b"identity")  # codings
_CODINGS_TAKEN: Final = (b"accept-encoding", b"grpc-accept-encoding")
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
    """Requests of one client to one host, one after the other. One of HTTP/2 is one of many."""

    def __init__(
        self, session: ProxySession, pool: HostPool, incoming: "AnyIncoming", pairs: list[Replacement]
    ) -> None:
        """Serve `incoming` by the connections of a pool. `pairs` are replaced in responses."""
        self._session = session
        self._host = pool.host
        self._incoming = incoming
        self._is_tls = pool.is_tls
        self._pool = pool
        self._of_values = pairs
        self._asks_for_whole = bool(pairs) and not may_be_cut(pool.host)
        self._pairs = pairs  # those of the request that is served

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
        if prepared.body is None and not any(name in _FRAMING for name, _ in prepared.headers):  # it has none
            await self._incoming.read_body()
            prepared = prepared._replace(body=b"")
        return await self._send_until_taken(raw, head, prepared)

    async def _send_until_taken(self, raw: RawRequest, head: RequestHead, prepared: Prepared) -> bool:
        left = _TIMES if prepared.body is not None else 1  # a body that goes through unread is not held for that
        while True:
            left -= 1
            outgoing = await self._pool.take(is_upgrade=is_upgrade(raw))
            try:
                return await self._send(head, prepared, outgoing)
            except NotTaken:
                if not left:
                    raise
            finally:
                await self._pool.give_back(outgoing)

    async def _send(self, head: RequestHead, prepared: Prepared, outgoing: "AnyOutgoing") -> bool:
        await outgoing.send_head(prepared.head.method, prepared.head.target, prepared.headers)
        if prepared.body is not None:
            await outgoing.send_body(prepared.body)
            await outgoing.end()
            return await self._answer(head, outgoing) and self._incoming.go_on()
        return await self._both_ways(head, outgoing)

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
            headers.append((name, b"identity" if name in _CODINGS_TAKEN and self._pairs else value))
        if self._asks_for_whole:
            headers = without_ranges(headers)
        if is_upgrade(raw):
            if self._looks_into_messages(head):  # what is compressed cannot be looked into
                headers = [pair for pair in headers if pair[0] != _EXTENSIONS]
            headers += [(b"connection", b"upgrade"), (b"upgrade", _WEBSOCKET)]
        if body is not None:
            had_length = body or raw.values(b"content-length") or raw.values(b"transfer-encoding")
            return [*headers, (b"content-length", str(len(body)).encode())] if had_length else headers
        if raw.version == _HTTP2 and raw.values(b"te") == [b"trailers"]:
            headers.append((b"te", b"trailers"))  # gRPC asks for that
        return [*headers, *((name, value) for name, value in raw.headers if name in _FRAMING)]

    async def _both_ways(self, head: RequestHead, outgoing: "AnyOutgoing") -> bool:
        # a host may answer before it has the whole body, and then nobody waits for the remainder
        sent = trio.Event()
        async with supervised_nursery() as tasks:
            tasks.run(self._send_body, outgoing, sent)
            is_whole = await self._answer(head, outgoing)
            if not sent.is_set():
                tasks.cancel()
        return is_whole and sent.is_set() and self._incoming.go_on()

    async def _send_body(self, outgoing: "AnyOutgoing", sent: trio.Event) -> None:
        try:
            while (piece := await self._incoming.read_body()) is not None:
                await outgoing.send_body(piece)
            await outgoing.end(self._trailers())
            sent.set()
        except (Rejected, UpstreamFailed, trio.BrokenResourceError, trio.ClosedResourceError):
            await outgoing.abort()

    def _trailers(self) -> Headers:
        trailers = list(self._incoming.trailers())
        if any(variable.placeholder in value for variable in self._host.variables for _, value in trailers):
            raise Rejected(400, "no value may stand in a trailer")
        return trailers

    async def _answer(self, head: RequestHead, outgoing: "AnyOutgoing") -> bool:
        # false if the connection became another protocol's
        response = await outgoing.read_head()
        while not response.is_final:
            await self._incoming.inform(response.status, self._passed_on(response.headers))
            response = await outgoing.read_head()
        if response.status == _SWITCHING:
            await self._switch(head, response, outgoing)
            return False
        await self._send_response(head.method, response, outgoing)
        return True

    async def _send_response(self, method: str, response: ResponseHead, outgoing: "AnyOutgoing") -> None:
        if self._asks_for_whole and is_partial(response.status):
            raise UpstreamFailed("the host sends a part of a response, which cannot be looked through for keys")
        headers = self._passed_on(response.headers)
        has_body = method != "HEAD" and response.status not in _BODILESS
        coding = response.value(b"content-encoding")
        pairs, body_filter = self._pairs_of(response), None
        if has_body and self._pairs:
            try:
                body_filter = _body_filter(response, coding, pairs)
            except UnknownCoding:
                raise UpstreamFailed("the response is in a coding that cannot be looked through for keys") from None
            is_decoded = coding.strip().lower() not in _AS_IT_IS
            headers = [pair for pair in headers if not (is_decoded and pair[0] == b"content-encoding")]
        is_chunked = bool(
            response.value(b"transfer-encoding")
        )  # then any other length counts for nothing (RFC 9112 §6.3)
        length = b"" if is_chunked else response.value(b"content-length")
        if length and (body_filter is None or (keeps_length(pairs) and body_filter.keeps_length)):
            headers.append((b"content-length", length))
        reason = scrub_header(response.reason, self._pairs)
        await self._incoming.respond(response.status, headers, reason, is_held=has_body and outgoing.has_more())
        await self._send_response_body(outgoing, body_filter)

    def _pairs_of(self, response: ResponseHead) -> list[Replacement]:
        return of_same_length(self._pairs) if has_inner_lengths(response.value(b"content-type")) else self._pairs

    async def _send_response_body(self, outgoing: "AnyOutgoing", body_filter: BodyFilter | None) -> None:
        try:
            while (piece := await self._next_piece(outgoing, body_filter)) is not None:
                for out in (piece,) if body_filter is None else body_filter.feed(piece):
                    await self._incoming.send_body(out)
            if body_filter is not None:
                await self._incoming.send_body(body_filter.finish())
        except UnknownCoding:
            raise UpstreamFailed("the response is not in the coding that it names, or ends early") from None
        await self._incoming.end(self._passed_on(outgoing.trailers()))

    async def _next_piece(self, outgoing: "AnyOutgoing", body_filter: BodyFilter | None) -> bytes | None:
        while isinstance(body_filter, MessageScrubber) and body_filter.has_held:
            with trio.move_on_after(QUIET_SECONDS):
                return await outgoing.read_body()
            await self._incoming.send_body(body_filter.release())
        return await outgoing.read_body()

    def _passed_on(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        passed = [(name, value) for name, value in headers if not is_of_connection(name.decode("latin-1"))]
        passed = without_offers(passed) if self._asks_for_whole else passed
        return scrub_headers(passed, self._pairs) if self._pairs else passed

    async def _switch(self, head: RequestHead, response: ResponseHead, outgoing: "AnyOutgoing") -> None:
        incoming = self._incoming
        is_websocket = response.value(b"upgrade").lower() == _WEBSOCKET
        if self._looks_into_messages(head) and response.value(_EXTENSIONS):
            raise UpstreamFailed("the host writes messages in a way that it was not asked for")
        if not isinstance(incoming, Incoming) or not isinstance(outgoing, Outgoing) or not is_websocket:
            raise UpstreamFailed("the host goes on in another protocol than it was asked for")
        upgrade = [(b"connection", b"upgrade"), (b"upgrade", _WEBSOCKET)]
        await incoming.inform(response.status, [*self._passed_on(response.headers), *upgrade])
        early = incoming.early_bytes(), outgoing.early_bytes()
        if self._looks_into_messages(head):
            await self._relay_messages(head, (incoming, outgoing), early)
            return
        await outgoing.stream.send_all(early[0])
        await incoming.stream.send_all(early[1])
        await relaying.relay(incoming.stream, outgoing.stream)

    def _looks_into_messages(self, head: RequestHead) -> bool:
        return bool(self._pairs) or has_messages(self._host, head)

    async def _relay_messages(
        self, head: RequestHead, ends: tuple[Incoming, Outgoing], early: tuple[bytes, bytes]
    ) -> None:
        from envfs.proxy.messages import MessageRefused, MessageRelay  # noqa: PLC0415 - few sessions have one

        async def fill(text: bytes) -> bytes:
            try:
                filled, keys = substitute_message(self._host, head, text)
                if keys:
                    rules = [rule for rule in self._host.rules if any(map(rule.concerns, keys))]
                    need = approval_need(self._host.rules, keys, self._host.endpoint, head.method, head.path)
                    await self._admit(head, rules[0].name, Prepared(head, [], None, keys, need, text))
            except Unfit as unfit:
                await self._session.link.report(head.method, self._host.endpoint.authority, head.path, "no-rule")
                raise MessageRefused(f"envfs: {unfit.key}: {unfit.reason}") from None
            except NotAdmitted as refusal:
                raise MessageRefused(f"envfs: {refusal.text}") from None
            return filled

        client, host = ends[0].stream, ends[1].stream
        filling = fill if has_messages(self._host, head) else None
        await MessageRelay(client, host, self._pairs, filling).run(*early)


def _body_filter(response: ResponseHead, coding: bytes, pairs: list[Replacement]) -> BodyFilter:
    if is_of_messages(response.value(b"content-type")) and coding.strip().lower() in _AS_IT_IS:
        return MessageScrubber(pairs, response.value(b"grpc-encoding"))
    return Scrubber(pairs, coding)


def _digest_of(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _with_authorization(headers: Headers, authorization: bytes) -> Headers:
    return [(name, authorization if name == b"authorization" else value) for name, value in headers]
