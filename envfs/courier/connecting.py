"""From an address to an engine. The module of an engine is loaded when one of its addresses is used."""

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType

import trio

from envfs import interpreter
from envfs.courier.address import Address
from envfs.courier.engine import Engine
from envfs.errors import BadRequest, StoreUnavailable

MODULES: Mapping[str, str] = MappingProxyType(  # by scheme: below envfs.courier.engines
    {"folder": "folder", "http": "plain_http", "postgres": "postgres", "etcd": "etcd", "ssh": "ssh", "sftp": "sftp"}
)
_SETTING_UP: Mapping[str, str] = MappingProxyType(  # by scheme: the modules that make an engine ready for a vault
    {
        "folder": "folder_setting_up",
        "postgres": "postgres.setting_up",
        "etcd": "etcd.setting_up",
        "ssh": "ssh.setting_up",
        "sftp": "sftp.setting_up",
    }
)
_BY_NAME = ("postgres",)  # engines that admit members by their names
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
    connect: Callable[[Address], Awaitable[Engine]] = _load(address, MODULES).connect
    try:
        with trio.fail_after(_CONNECT_SECONDS):
            return await connect(address)
    except trio.TooSlowError:
        raise StoreUnavailable(f"{address} does not answer") from None


async def set_up_engine(address: Address, members: Sequence[str]) -> str:
    """Make an engine ready for a vault. Return what its administrator has to know.

    Raises:
        BadRequest: nothing can be made ready there, or not for members by name
        StoreUnavailable: it cannot be reached
        NotApproved: this is no administrator there
    """
    check_scheme(address)
    if address.scheme not in _SETTING_UP:
        raise BadRequest(f"an engine of {address.scheme} is not made ready by a command")
    if members and address.scheme not in _BY_NAME:
        raise BadRequest(f"an engine of {address.scheme} admits no members by name")
    set_up: Callable[..., Awaitable[str]] = _load(address, _SETTING_UP).set_up
    return await (set_up(address, members) if address.scheme in _BY_NAME else set_up(address))


def _load(address: Address, modules: Mapping[str, str]) -> ModuleType:
    module = modules[address.scheme]
    try:
        return importlib.import_module(f"envfs.courier.engines.{module}")
    except ImportError:
        text = f"the engine for {address.scheme} lacks a library"
        raise StoreUnavailable(text, f"`{interpreter.pip_line(address.scheme)}`, and the system's libpq") from None
