"""Messages of a WebSocket: placeholders become values on the way to a host, and these placeholders on the way back.

RFC 6455, by wsproto.

Laws: a message with a value is in the access log before it is sent. A message from the host is held back as far as a
value may go on in it, and never beyond its end. Other text goes through unread.
"""

import codecs
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from envfs.host.supervision import supervised_nursery
from envfs.proxy.relaying import LastMoved, next_bytes
from envfs.proxy.replacing import Replacement, Replacer, replace_texts

LARGEST: Final = 1 << 20  # bytes of a text message that is looked into
_FAREWELL_SECONDS: Final = 5.0
_DATA: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION)
_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
Fill = Callable[[bytes], Awaitable[bytes]]


class MessageRefused(Exception):
    """A message of the client may not be sent. The text is for the client."""


class MessageRelay:
    """The messages between a client and a host. `fill` puts values into a text message, None if no rule says so."""

    def __init__(
        self, client: trio.abc.Stream, host: trio.abc.Stream, pairs: Sequence[Replacement], fill: Fill | None
    ) -> None:
        """Relay between two streams that have agreed on the protocol."""
        self._client, self._host = client, host
        self._to_client, self._to_host = FrameProtocol(client=False, extensions=[]), FrameProtocol(True, extensions=[])
        self._pairs = pairs
        self._fill = fill
        self._last = LastMoved()
        self._text: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._replacer: Replacer | None = None

    async def run(self, from_client: bytes, from_host: bytes) -> None:
        """Pass messages on until one side ends. Begins with what came already."""
        code, text = CloseReason.NORMAL_CLOSURE, ""
        async with supervised_nursery() as tasks:
            tasks.run(self._pass_to_client, from_host)
            try:
                await self._pass_to_host(from_client)
            except ParseFailed as error:
                code, text = error.code, "no frame of a WebSocket"
            except MessageRefused as refused:
                code, text = CloseReason.POLICY_VIOLATION, str(refused)
            except _GONE:
                pass
            tasks.cancel()
        await self._close(code, text)

    async def _close(self, code: CloseReason, text: str) -> None:
        # a client whose message cannot be passed on learns why
        try:
            with trio.move_on_after(_FAREWELL_SECONDS):
                if text:
                    await self._client.send_all(self._to_client.close(code, text))
                    await self._host.send_all(self._to_host.close(CloseReason.GOING_AWAY))
        except _GONE:
            pass
        await trio.aclose_forcefully(self._client)
        await trio.aclose_forcefully(self._host)

    # -- to the host ---------------------------------------------------------------------------------------------------

    async def _pass_to_host(self, data: bytes) -> None:
        data = data or await next_bytes(self._client, self._last)
        while data:
            if self._fill is None:
                await self._host.send_all(data)
            else:
                self._to_client.receive_bytes(data)
                for frame in self._to_client.received_frames():
                    await self._send_to_host(frame, self._fill)
            self._last.moment = trio.current_time()
            data = await next_bytes(self._client, self._last)

    async def _send_to_host(self, frame: Frame, fill: Fill) -> None:
        if frame.opcode not in _DATA or not isinstance(frame.payload, str):
            await self._host.send_all(_written(self._to_host, frame, frame.payload))
            return
        self._text.append(frame.payload)
        if sum(map(len, self._text)) > LARGEST:
            raise MessageRefused("envfs: a text message that a rule has to look at may have 1 MiB")
        if frame.message_finished:
            text = "".join(self._text).encode()
            self._text = []
            await self._host.send_all(self._to_host.send_data((await fill(text)).decode(), fin=True))

    # -- to the client -------------------------------------------------------------------------------------------------

    async def _pass_to_client(self, data: bytes) -> None:
        try:
            data = data or await next_bytes(self._host, self._last)
            while data:
                if self._pairs:
                    self._to_host.receive_bytes(data)
                    for frame in self._to_host.received_frames():
                        await self._send_to_client(frame)
                else:
                    await self._client.send_all(data)
                self._last.moment = trio.current_time()
                data = await next_bytes(self._host, self._last)
        except (*_GONE, ParseFailed):
            pass
        await trio.aclose_forcefully(self._client)

    async def _send_to_client(self, frame: Frame) -> None:
        if frame.opcode not in _DATA:
            await self._client.send_all(_written(self._to_client, frame, self._clean(frame.payload)))
            return
        self._replacer = self._replacer or Replacer(self._pairs)
        payload = frame.payload
        data = self._replacer.feed(payload.encode() if isinstance(payload, str) else bytes(_bytes(payload)))
        if frame.message_finished:
            data += self._replacer.finish()
            self._replacer = None
        scrubbed = self._decoder.decode(data, frame.message_finished) if isinstance(payload, str) else data
        if scrubbed or frame.message_finished:
            await self._client.send_all(self._to_client.send_data(scrubbed, fin=frame.message_finished))

    def _clean(self, payload: object) -> object:
        # there is no room for a placeholder
        text = payload[1] if isinstance(payload, tuple) else payload
        plain = text.encode() if isinstance(text, str) else bytes(_bytes(text))
        if replace_texts(plain, self._pairs) == plain:
            return payload
        return (payload[0], "") if isinstance(payload, tuple) else b""


def _written(protocol: FrameProtocol, frame: Frame, payload: object) -> bytearray:
    match frame.opcode:
        case Opcode.PING:
            return protocol.ping(_bytes(payload))
        case Opcode.PONG:
            return protocol.pong(_bytes(payload))
        case Opcode.CLOSE:
            code, reason = payload if isinstance(payload, tuple) else (None, None)
            return protocol.close(None if code == CloseReason.NO_STATUS_RCVD else code, reason)
        case _:
            return protocol.send_data(_bytes(payload), fin=frame.message_finished)


def _bytes(payload: object) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else b""
