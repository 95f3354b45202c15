"""An engine in a test: connected, used within a limit, let go of."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack, cast

import trio

from envfs.courier.address import parse_address
from envfs.courier.connecting import connect_engine
from envfs.courier.engine import EVERYTHING, Engine
from tests.engines.places import Place

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
SECONDS = 120  # what hangs does so for ever, and a machine may be busy


@contextlib.asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Engine]:
    engine = await connect_engine(parse_address(place.address))
    try:
        yield engine
    finally:
        await engine.close()


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
