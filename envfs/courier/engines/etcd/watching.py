"""Hints from etcd: watches of the records that begin with some prefixes, which etcd sends as JSON lines.

Laws:
- All are on one connection. etcd sends a record whole with each event, so a member watches no other project's.
- Nothing is resumed. Where a watch was cancelled, as after a compaction or for a slow reader, a new one begins and
  anything may have come.
- A server that is cut off from its cluster says nothing. So there is a hint for everything from time to time.
"""

from collections.abc import Sequence
from typing import Final

import trio

from envfs.core import shared_keys
from envfs.courier.engine import EVERYTHING
from envfs.courier.engines.etcd.gateway import (
    SECONDS,
    Gateway,
    Message,
    behind,
    bytes_of,
    encoded,
    message_of,
    messages_of,
    parse_message,
    refusal,
)
from envfs.courier.engines.standing_watch import StandingWatch
from envfs.courier.http_client import HttpConnection
from envfs.errors import StoreUnavailable
from envfs.protocol import jsontext

_LINE_BYTES: Final = 32 << 20
_QUIET_SECONDS: Final = 300.0
_OK: Final = 200


class Watcher(StandingWatch):
    """One watch, on a connection of its own."""

    def __init__(self, gateway: Gateway, records: str) -> None:
        """Watch the keys below `records`."""
        super().__init__()
        self._gateway = gateway
        self._records = records
        self._connection: HttpConnection | None = None
        self._buffer = bytearray()

    async def _hints(self, prefixes: Sequence[str]) -> list[str]:
        if self._connection is None:
            await self._begin(prefixes)
            self._has_begun_well()
            return [EVERYTHING]
        with trio.move_on_after(_QUIET_SECONDS):
            streams = dict.fromkeys(self._stream(event) for event in messages_of(await self._result(), "events"))
            return [s for s in streams if s == EVERYTHING or shared_keys.is_within(s, prefixes)]
        return [EVERYTHING]

    async def _begin(self, prefixes: Sequence[str]) -> None:
        starts = [f"{self._records}{prefix}" for prefix in prefixes]
        requests = [_request_of(number, start) for number, start in enumerate(starts, 1)]
        try:
            with trio.fail_after(SECONDS):
                self._connection = await self._gateway.open()
                body = b"\n".join(map(jsontext.encode_json, requests))
                status = await self._connection.send("POST", "/v3/watch", body, await self._gateway.headers())
                if status != _OK:
                    raise refusal(await self._connection.read_all(_LINE_BYTES))
                for _ in requests:
                    await self._created()
        except trio.TooSlowError:
            raise StoreUnavailable("the etcd server does not answer") from None

    async def _created(self) -> None:
        # an event of a watch that was made before may come between
        while not (result := await self._result()).get("created"):
            if not messages_of(result, "events"):
                raise StoreUnavailable("the etcd server does not watch")

    async def _result(self) -> Message:
        message = parse_message(await self._line())
        result = message_of(message, "result")
        if "error" in message or result.get("canceled") or result.get("compact_revision"):
            raise StoreUnavailable("the etcd server has ended the watch")
        return result

    async def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            piece = None if self._connection is None else await self._connection.read_some()
            if piece is None or len(self._buffer) > _LINE_BYTES:
                raise StoreUnavailable("the etcd server has ended the watch")
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _stream(self, event: Message) -> str:
        key = bytes_of(message_of(event, "kv"), "key").decode("ascii", "replace").removeprefix(self._records)
        stream = shared_keys.stream_of(key)
        return stream if shared_keys.is_shared_stream(stream) else EVERYTHING

    def _end(self) -> None:
        self._buffer.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _request_of(number: int, start: str) -> Message:
    span = {"key": encoded(start.encode()), "range_end": encoded(behind(start))}
    return {"create_request": {**span, "fragment": True, "watch_id": str(number)}}
