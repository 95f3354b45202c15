"""The verbs of an engine, in etcd's transactions.

Laws:
- A key counts as new if etcd says that it was never created since it was last deleted. etcd alone compares.
- History is keys. A revision of etcd is used within one listing, and never to go on from where a watch ended.
- etcd knows no right to add without a right to change: every member that it admits may replace and delete. The mirrors
  of the other machines are what holds against that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from envfs.core import shared_keys
from envfs.courier.engines.etcd.gateway import (
    Gateway,
    Message,
    behind,
    bytes_of,
    encoded,
    message_of,
    messages_of,
    text_of,
)
from envfs.courier.engines.etcd.values import (
    PIECE_BYTES,
    CutRecord,
    cut_record,
    cut_value,
    join_pieces,
    parse_value,
    whole_value,
)
from envfs.courier.engines.etcd.watching import Watcher
from envfs.errors import StoreUnavailable

_PAGE: Final = 5000
_KEYS_AT_ONCE: Final = 16
MARK: Final = b"envfs 1"


class EtcdEngine:
    """The keys below one prefix of a cluster: records below `r/`, pieces of long ones below `p/`."""

    def __init__(self, gateway: Gateway, prefix: str) -> None:
        """Use a prefix, which ends with a slash."""
        self._gateway = gateway
        self._prefix = prefix
        self._records = f"{prefix}r/"
        self._watchers = set[Watcher]()

    async def check(self) -> None:
        """Look whether there is a vault.

        Raises:
            StoreUnavailable, NotApproved: it cannot be used
        """
        if await self._value(f"{self._prefix}store") != MARK:
            raise StoreUnavailable("the etcd server has no such vault", "its administrator runs: envfs store init")

    async def set_up(self) -> str:
        """Mark the prefix as a vault. Return the version of the server."""
        await self._put_new(f"{self._prefix}store", MARK)
        return text_of(await self._gateway.ask("/v3/maintenance/status", {}), "version")

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream. All keys that start so are listed, as etcd cannot count so."""
        newest: dict[str, int] = {}
        for prefix in prefixes:
            newest |= shared_keys.newest_numbers(await self.list(prefix))
        return newest

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with a prefix, in order and of one moment."""
        shared_keys.check_prefix(prefix)
        start, end = f"{self._records}{prefix}".encode(), behind(f"{self._records}{prefix}")
        keys, revision = list[str](), "0"
        while True:
            asked: Message = {"key": encoded(start), "range_end": encoded(end), "keys_only": True, "limit": str(_PAGE)}
            answer = await self._gateway.ask("/v3/kv/range", {**asked, "revision": revision})
            page = [bytes_of(row, "key") for row in messages_of(answer, "kvs")]
            keys += [self._key(key) for key in page]
            if not answer.get("more") or not page:
                return [key for key in keys if shared_keys.is_shared_key(key)]
            start = page[-1] + b"\0"
            revision = text_of(message_of(answer, "header"), "revision")

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of keys, some a transaction. A record without all of its pieces is listed, and not given."""
        for key in keys:
            shared_keys.check_shared_key(key)
        values = dict[str, bytes]()
        for at in range(0, len(keys), _KEYS_AT_ONCE):
            values |= await self._values(keys[at : at + _KEYS_AT_ONCE])
        records = {key: await self._joined(key, parse_value(value)) for key, value in values.items()}
        return {key: data for key, data in records.items() if data is not None}

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key, in a transaction. A long record's pieces come first, also where it is there.

        So pieces that were lost come back with the record that they are of.
        """
        shared_keys.check_shared_record(key, data)
        if len(data) <= PIECE_BYTES:
            return await self._put_new(f"{self._records}{key}", whole_value(data))
        record, pieces = cut_record(key, data)
        for number, piece in enumerate(pieces):
            await self._put(self._piece(record, number), piece)
        return await self._put_new(f"{self._records}{key}", cut_value(record))

    async def erase(self, key: str) -> None:
        """Empty a record, and delete its pieces."""
        shared_keys.check_shared_key(key)
        value = (await self._values([key])).get(key)
        if value is None:
            return
        await self._put(f"{self._records}{key}", whole_value(b""))
        record = parse_value(value)
        if isinstance(record, CutRecord):
            for number in range(record.pieces):
                await self._gateway.ask("/v3/kv/deleterange", {"key": encoded(self._piece(record, number).encode())})

    async def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        """Yield streams that have grown, as etcd tells of each."""
        shared_keys.check_prefixes(prefixes)
        watcher = Watcher(self._gateway, self._records)
        self._watchers.add(watcher)
        try:
            while (streams := await watcher.next(prefixes)) is not None:
                for stream in streams:
                    yield stream
        finally:
            self._watchers.discard(watcher)
            watcher.stop()

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        return next((watcher.late for watcher in self._watchers if watcher.late), "")

    async def close(self) -> None:
        """Drop the connections."""
        for watcher in self._watchers:
            watcher.stop()
        self._gateway.close()

    async def _put_new(self, name: str, value: bytes) -> bool:
        key = encoded(name.encode())
        is_new = {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        put = {"request_put": {"key": key, "value": encoded(value)}}
        answer = await self._gateway.ask("/v3/kv/txn", {"compare": [is_new], "success": [put]})
        return answer.get("succeeded") is True  # false is left out

    async def _put(self, name: str, value: bytes) -> None:
        await self._gateway.ask("/v3/kv/put", {"key": encoded(name.encode()), "value": encoded(value)})

    async def _value(self, name: str) -> bytes | None:
        answer = await self._gateway.ask("/v3/kv/range", {"key": encoded(name.encode())})
        rows = messages_of(answer, "kvs")
        return bytes_of(rows[0], "value") if rows else None

    async def _values(self, keys: Sequence[str]) -> dict[str, bytes]:
        ranges = [{"request_range": {"key": encoded(f"{self._records}{key}".encode())}} for key in keys]
        answer = await self._gateway.ask("/v3/kv/txn", {"success": ranges}) if keys else {}
        parts = [message_of(response, "response_range") for response in messages_of(answer, "responses")]
        rows = [row for part in parts for row in messages_of(part, "kvs")]
        return {self._key(bytes_of(row, "key")): bytes_of(row, "value") for row in rows}

    async def _joined(self, key: str, record: bytes | CutRecord) -> bytes | None:
        if isinstance(record, bytes):
            return record
        pieces = [await self._value(self._piece(record, number)) or b"" for number in range(record.pieces)]
        return join_pieces(key, record, pieces)

    def _piece(self, record: CutRecord, number: int) -> str:
        return f"{self._prefix}p/{record.piece_name(number)}"

    def _key(self, name: bytes) -> str:
        return name.decode("ascii", "replace").removeprefix(self._records)
