"""An engine in a test: connected, used within a limit, let go of."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack, cast

import trio
import trio.testing

from envfs.core import limits
from envfs.core.secret import Secret
from envfs.courier.address import parse_address
from envfs.courier.connecting import connect_engine
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.link import EngineLink
from envfs.courier.serving import EngineServer
from envfs.courier.streams import MessageStream
from envfs.protocol.courier_requests import ANSWERS, BLOB_BYTES, REQUESTS
from envfs.service.sharing.courier_link import running_courier
from tests.engines.places import Place, Way

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
SECONDS = 120  # what hangs does so for ever, and a machine may be busy


@contextlib.asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Engine]:
    if place.way is Way.BY_PROCESS:
        async with running_courier(Secret(place.address)) as link:
            yield link
        return
    engine = await connect_engine(parse_address(place.address))
    try:
        if place.way is Way.BY_MESSAGES:
            async with linked(engine) as link:
                yield link
        else:
            yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def linked(engine: Engine) -> AsyncIterator[EngineLink]:
    """Serve an engine, and use it by messages."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    server = EngineServer(engine, MessageStream(theirs, REQUESTS, limits.RECORD_BYTES))
    link = EngineLink(MessageStream(ours, ANSWERS, BLOB_BYTES))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.run)
        nursery.start_soon(link.run)
        yield link
        await link.close()


@contextlib.asynccontextmanager
async def hints_of(engine: Engine, *prefixes: str) -> AsyncIterator[AsyncIterator[str]]:
    """Watch an engine. The first hint was seen when the context begins."""
    watch = cast("AsyncGenerator[str, None]", engine.watch(prefixes))
    async with contextlib.aclosing(watch):
        assert await anext(watch) == EVERYTHING
        yield watch


def run(use: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
    """Run an async test within a limit."""

    async def limited() -> T:
        with trio.fail_after(SECONDS):
            return await use(*args)

    return trio.run(limited)


def use_one(place: Place, use: Callable[[Engine], Awaitable[T]]) -> T:
    """Run an async test with one connection to a place."""

    async def connect_and_use() -> T:
        async with connected(place) as engine:
            return await use(engine)

    return run(connect_and_use)
