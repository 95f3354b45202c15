"""From an address to an engine. The module of an engine is loaded when one of its addresses is used."""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from envfs.courier.address import Address
from envfs.courier.engine import Engine
from envfs.errors import BadRequest, StoreUnavailable

MODULES: Mapping[str, str] = MappingProxyType(  # by scheme: below envfs.courier.engines
    {"folder": "folder", "postgres": "postgres", "etcd": "etcd"}
)


async def connect_engine(address: Address) -> Engine:
    """Connect to the engine at an address.

    Raises:
        BadRequest: this release has no such engine
        StoreUnavailable: it cannot be reached
        NotApproved: it does not let this member in
    """
    module = MODULES.get(address.scheme)
    if module is None:
        raise BadRequest(f"this release has no engine for {address.scheme}")
    connect: Callable[[Address], Awaitable[Engine]]
    try:
        connect = importlib.import_module(f"envfs.courier.engines.{module}").connect
    except ImportError:
        text = f"the engine for {address.scheme} lacks a library"
        raise StoreUnavailable(text, f"pip install 'envfs[{module}]', and the system's libpq") from None
    return await connect(address)
