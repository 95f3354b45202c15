"""A record that cannot wait in the outbox is offered to the engine: a key, a tombstone, an entry of the members.

Law: a person waits for it, so an engine that is just being reached has longer than for a text. One that is known to be
away has no time at all.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from envfs.courier.engine import Engine
from envfs.errors import StoreUnavailable

_PATIENCE = 20.0


async def offer_record(reachable: Callable[[], Awaitable[Engine | None]], key: str, data: bytes) -> bool:
    """Give the engine a record. False if it gave the number to another one.

    Raises:
        StoreUnavailable: the engine is away, or does not answer
    """
    with suppress(trio.TooSlowError, StoreUnavailable), trio.fail_after(_PATIENCE):
        engine = await reachable()
        if engine is not None:
            return await engine.put_new(key, data) or (await engine.get((key,))).get(key) == data
    raise StoreUnavailable(
        "the engine that machines share is away, and a change of keys or authors cannot wait for it",
        "try again when `envfs sync status` shows it connected",
    )
