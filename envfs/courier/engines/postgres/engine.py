"""The verbs of an engine, in SQL.

Laws:
- A record counts as stored once the server has it on disk: `put_new` sets synchronous_commit for its own statement,
  whatever the server, the database or the role says, and looks at it.
- Each statement works by itself, so that a pooler may stand in between.
- A notice is a hint, and the heads say where something came. No number counts all records: such numbers are given in
  another order than the commits come in.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import trio

from envfs.core import shared_keys
from envfs.courier.engines.postgres.listening import Listener
from envfs.courier.engines.postgres.parts import stream_ranges
from envfs.courier.engines.postgres.place import DatabasePlace, resolve_place
from envfs.courier.engines.postgres.session import PostgresSession, Rows
from envfs.errors import StoreUnavailable

STATEMENT_SECONDS: Final = 30.0
_KEYS_AT_ONCE: Final = 16

# one step of the index a stream, and not one a record, in each range of streams
_HEADS: Final = """
WITH RECURSIVE streams(stream, behind) AS (
  SELECT (SELECT r.stream FROM {schema}.record r
    WHERE r.stream >= asked.first AND r.stream < asked.behind AND r.number IS NOT NULL
    ORDER BY r.stream LIMIT 1), asked.behind
  FROM unnest($1::text[], $2::text[]) AS asked(first, behind)
  UNION ALL
  SELECT (SELECT r.stream FROM {schema}.record r
    WHERE r.stream > streams.stream AND r.stream < streams.behind AND r.number IS NOT NULL
    ORDER BY r.stream LIMIT 1), streams.behind
  FROM streams WHERE streams.stream IS NOT NULL
)
SELECT stream, (SELECT max(number)::text FROM {schema}.record r WHERE r.stream = streams.stream)
FROM streams WHERE stream IS NOT NULL
"""
_CHECK: Final = "SELECT FROM {schema}.record LIMIT 1"
_LIST: Final = "SELECT key FROM {schema}.record WHERE key ^@ $1::text ORDER BY key"
_GET: Final = "SELECT key, body FROM {schema}.record WHERE key = ANY ($1::text[])"
_PUT_NEW: Final = """
WITH durable AS MATERIALIZED (
  SELECT set_config('synchronous_commit',
    CASE WHEN current_setting('synchronous_commit') = 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) AS level
)
INSERT INTO {schema}.record (key, body) SELECT $1::text, $2::bytea FROM durable
ON CONFLICT DO NOTHING RETURNING current_setting('synchronous_commit')
"""
_NOTIFY: Final = "SELECT pg_notify($1::text, $2::text)::text"
_ERASE: Final = "UPDATE {schema}.record SET body = '' WHERE key = $1::text"


class PostgresEngine:
    """A schema of one database. One connection serves all verbs, one statement at a time, and a second one listens."""

    def __init__(self, place: DatabasePlace) -> None:
        """Connect when something is asked for."""
        self._place = place
        self._session: PostgresSession | None = None
        self._turn = trio.Lock()
        self._faults = 0
        self._listeners = set[Listener]()
        self._is_closed = False

    async def check(self) -> None:
        """Look whether there is a vault, and whether this member may read it.

        Raises:
            StoreUnavailable, NotApproved: it cannot be used
        """
        await self._run(_CHECK)

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        shared_keys.check_prefixes(prefixes)
        ranges = [span for prefix in prefixes for span in stream_ranges(prefix)]
        rows = await self._run(_HEADS, _array([first for first, _ in ranges]), _array([end for _, end in ranges]))
        numbers = {_word(stream): _word(number) for stream, number in rows}
        return {s: int(n) for s, n in numbers.items() if shared_keys.is_shared_stream(s) and n.isdecimal()}

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with a prefix, in order."""
        shared_keys.check_prefix(prefix)
        keys = [_word(key) for (key,) in await self._run(_LIST, prefix)]
        return [key for key in keys if shared_keys.is_shared_key(key)]

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of keys, some a statement."""
        records = dict[str, bytes]()
        for at in range(0, len(keys), _KEYS_AT_ONCE):
            rows = await self._run(_GET, _array(_checked(keys[at : at + _KEYS_AT_ONCE])))
            records.update((_word(key), body) for key, body in rows)
        return records

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key: on the disk of the server once this returns True.

        Raises:
            StoreUnavailable: the server cannot, or does not wait for its disk
        """
        shared_keys.check_shared_record(key, data)
        rows = await self._run(_PUT_NEW, key, data)
        if rows and rows[0][0] == b"off":
            raise StoreUnavailable("the PostgreSQL server does not wait for its disk")
        return bool(rows)

    async def erase(self, key: str) -> None:
        """Empty a record. Only the administrator may."""
        shared_keys.check_shared_key(key)
        await self._run(_ERASE, key)

    async def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        """Yield streams that may have grown: by notices, or by looking where they do not arrive."""
        shared_keys.check_prefixes(prefixes)
        listener = Listener(self._open_session, self._place.schema, self)
        self._listeners.add(listener)
        try:
            while (streams := await listener.next(prefixes)) is not None:
                for stream in streams:
                    yield stream
        finally:
            self._listeners.discard(listener)
            listener.stop()

    async def notify(self, channel: str, text: str) -> None:
        """Send a notice to all who listen on a channel."""
        await self._run(_NOTIFY, channel, text)

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        return next((listener.late for listener in self._listeners if listener.late), "")

    async def close(self) -> None:
        """Drop the connection."""
        self._is_closed = True
        self._drop()
        for listener in self._listeners:
            listener.stop()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    async def _run(self, statement: str, *parameters: str | bytes) -> Rows:
        faults = self._faults
        async with self._turn:
            if faults != self._faults:  # while this one waited, and it would wait as long again
                raise StoreUnavailable("the PostgreSQL server has just failed")
            try:
                with trio.fail_after(STATEMENT_SECONDS):
                    return await self._run_now(statement.format(schema=self._place.schema).encode(), parameters)
            except trio.TooSlowError:
                self._faults += 1
                raise StoreUnavailable("the PostgreSQL server does not answer") from None
            except StoreUnavailable:
                self._faults += 1
                raise

    async def _run_now(self, statement: bytes, parameters: Sequence[str | bytes]) -> Rows:
        if self._session is None or not self._session.is_usable:
            self._drop()
            self._session = await self._open_session()
        return await self._session.run(statement, *parameters)

    async def _open_session(self) -> PostgresSession:
        if self._is_closed:
            raise StoreUnavailable("the engine is closed")
        return await PostgresSession.open(await resolve_place(self._place))


def _word(value: bytes) -> str:
    return value.decode("ascii", "replace")  # a sign that is replaced is in no key


def _checked(keys: Sequence[str]) -> Sequence[str]:
    for key in keys:
        shared_keys.check_shared_key(key)
    return keys


def _array(words: Sequence[str]) -> str:
    # keys and beginnings of keys have no quote and no backslash
    return "{" + ",".join(f'"{word}"' for word in words) + "}"
