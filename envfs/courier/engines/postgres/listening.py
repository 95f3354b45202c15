"""Hints from PostgreSQL: NOTIFY where it arrives, and looks at the heads where a pooler swallows it.

Laws:
- A member listens to the projects that it may open, where the schema tells them apart (parts.py), and else to all.
- The listener is in place before the first hint is given, so that nothing that comes later is missed.
- A notice of our own, sent by another connection, has to arrive first. A pooler in transaction mode accepts LISTEN and
  delivers nothing.
- A server that has said nothing for a while is asked. A connection that is lost is opened again, and then anything may
  have come.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol
from uuid import uuid4

import trio

from envfs.core.shared_keys import is_within
from envfs.courier.engine import EVERYTHING
from envfs.courier.engines.postgres.parts import channels
from envfs.courier.engines.postgres.session import PostgresSession
from envfs.courier.engines.standing_watch import StandingWatch
from envfs.errors import StoreUnavailable

_PROBE: Final = "probe "  # no stream has a space
_PROBE_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 5.0
_TELLS_APART: Final = b"SELECT 1 WHERE to_regprocedure($1::text) IS NOT NULL"
_NO_NOTICES: Final = (
    "notices of the PostgreSQL server do not arrive, as behind PgBouncer in transaction mode: "
    f"it is asked every {_LOOK_SECONDS:.0f} s"
)


class ListenedEngine(Protocol):
    """The questions that a listener has for its engine."""

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        ...

    async def notify(self, channel: str, text: str) -> None:
        """Send a notice to all who listen on a channel."""
        ...


class Listener(StandingWatch):
    """One watch of a schema: a session that listens or, once notices were seen not to arrive, looks at the heads."""

    def __init__(
        self, open_session: Callable[[], Awaitable[PostgresSession]], schema: str, engine: ListenedEngine
    ) -> None:
        """Watch a schema through sessions of its own."""
        super().__init__()
        self._open_session = open_session
        self._schema = schema
        self._engine = engine
        self._session: PostgresSession | None = None
        self._heads: dict[str, int] = {}
        self._has_begun = False
        self._is_polling = False

    async def _hints(self, prefixes: Sequence[str]) -> list[str]:
        if not self._has_begun:
            await self._begin(prefixes)
            self._has_begun = True
            self._has_begun_well(_NO_NOTICES if self._is_polling else "")
            return [EVERYTHING]
        if self._session is None:
            return await self._changed(prefixes)
        return await self._heard(self._session, prefixes)

    async def _begin(self, prefixes: Sequence[str]) -> None:
        session = self._session = await self._open_session()
        names = await self._channels(session, prefixes)
        await session.run_script("".join(f'LISTEN "{name}";' for name in names).encode())
        if await self._is_heard(session, names[0]):
            self._is_polling = False
            return
        self._end()
        self._heads = await self._looked(prefixes)
        if not self._is_polling:
            self._is_polling = True
            _say(_NO_NOTICES)

    async def _channels(self, session: PostgresSession, prefixes: Sequence[str]) -> tuple[str, ...]:
        # a schema that an older release made has the channel of all
        tells_apart = await session.run(_TELLS_APART, f"{self._schema}.channel_of(text)")
        return channels(self._schema, prefixes) if tells_apart else (self._schema,)

    async def _is_heard(self, session: PostgresSession, channel: str) -> bool:
        probe = f"{_PROBE}{uuid4()}"
        await self._engine.notify(channel, probe)
        with trio.move_on_after(_PROBE_SECONDS):
            while probe not in session.take_notices():
                await session.wait_for_notices()
            return True
        return False

    async def _heard(self, session: PostgresSession, prefixes: Sequence[str]) -> list[str]:
        with trio.move_on_after(_QUIET_SECONDS) as quiet:
            await session.wait_for_notices()
        if quiet.cancelled_caught:
            await _ask(session)
        return [stream for stream in dict.fromkeys(session.take_notices()) if _is_about(stream, prefixes)]

    async def _changed(self, prefixes: Sequence[str]) -> list[str]:
        await trio.sleep(_LOOK_SECONDS)
        before, self._heads = self._heads, await self._looked(prefixes)
        return [stream for stream in before | self._heads if before.get(stream) != self._heads.get(stream)]

    async def _looked(self, prefixes: Sequence[str]) -> dict[str, int]:
        return dict(await self._engine.heads(*prefixes))

    def _end(self) -> None:
        self._has_begun = False
        if self._session is not None:
            self._session.close()
            self._session = None


async def _ask(session: PostgresSession) -> None:
    try:
        with trio.fail_after(_ANSWER_SECONDS):
            await session.run(b"SELECT 1")
    except trio.TooSlowError:
        raise StoreUnavailable("the PostgreSQL server does not answer") from None


def _is_about(stream: str, prefixes: Sequence[str]) -> bool:
    if " " in stream:
        return False
    return stream == EVERYTHING or is_within(stream, prefixes)


def _say(text: str) -> None:
    sys.stderr.write(f"envfs: courier: {text}\n")
