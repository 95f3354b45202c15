"""From an address to an engine. The module of an engine is loaded when one of its addresses is used."""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import trio

from envfs.courier.address import Address
from envfs.courier.engine import Engine
from envfs.errors import BadRequest, StoreUnavailable

MODULES: Mapping[str, str] = MappingProxyType(  # by scheme: below envfs.courier.engines
    {"folder": "folder", "http": "plain_http", "postgres": "postgres", "etcd": "etcd", "ssh": "ssh"}
)
_CONNECT_SECONDS = 30.0


def check_scheme(address: Address) -> None:
    """Refuse an address of an engine that is not there.

    Raises:
        BadRequest: this release has no such engine
    """
    if address.scheme not in MODULES:
        raise BadRequest(f"this release has no engine for {address.scheme}")


async def connect_engine(address: Address) -> Engine:
    """Connect to the engine at an address.

    Raises:
        BadRequest: this release has no such engine
        StoreUnavailable: it cannot be reached
        NotApproved: it does not let this member in
    """
    check_scheme(address)
    module = MODULES[address.scheme]
    connect: Callable[[Address], Awaitable[Engine]]
    try:
        connect = importlib.import_module(f"envfs.courier.engines.{module}").connect
    except ImportError:
        text = f"the engine for {address.scheme} lacks a library"
        raise StoreUnavailable(text, f"pip install 'envfs[{module}]', and the system's libpq") from None
    try:
        with trio.fail_after(_CONNECT_SECONDS):
            return await connect(address)
    except trio.TooSlowError:
        raise StoreUnavailable(f"{address} does not answer") from None
