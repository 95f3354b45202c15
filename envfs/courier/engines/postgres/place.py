"""From an address to what libpq is told: whom to connect to, how to be sure of it, and how to sign in.

Laws: a server over the network is verified by its certificate and its name, always. A name is resolved here, as libpq
would keep all others waiting. The kernel ends a connection that stalls.
"""

import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import trio

from envfs.courier.address import Address, EngineHost
from envfs.courier.engines.postgres.schema import SCHEMA, schema_name
from envfs.errors import BadRequest, StoreUnavailable

_BOUNDS: Final = MappingProxyType(
    {
        "keepalives": "1",
        "keepalives_idle": "20",
        "keepalives_interval": "5",
        "keepalives_count": "4",
        "tcp_user_timeout": "20000",
        "application_name": "envfs",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
    }
)
_VERIFIED: Final = MappingProxyType({"sslmode": "verify-full", "ssl_min_protocol_version": "TLSv1.2"})
_FILES: Final = MappingProxyType({"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey", "passfile": "passfile"})


class DatabasePlace(NamedTuple):
    """A schema in a database of a server, and the files to sign in with."""

    endpoints: tuple[EngineHost, ...]
    parameters: Mapping[str, str]
    schema: str

    def __repr__(self) -> str:
        """Say nothing of the parameters: a password may be among them."""
        return f"DatabasePlace({self.schema!r})"


def parse_place(address: Address) -> DatabasePlace:
    """Read what the address of a PostgreSQL server says: `/database`, or `/database/schema`.

    Raises:
        BadRequest: it says too little, or too much
    """
    database, *more = address.path.strip("/").split("/")
    if len(more) > 1 or not database:
        raise BadRequest("the path of a PostgreSQL address is a database, and perhaps a schema in it")
    if not address.user:
        raise BadRequest("a PostgreSQL address names the member", "as in postgres://alice@host/vault")
    if bool(address.option("cert")) != bool(address.option("key")):
        raise BadRequest("a certificate needs its key, and a key its certificate", "the options are cert and key")
    parameters = {name: address.option(option) for option, name in _FILES.items() if address.option(option)}
    if address.password is not None:
        parameters["password"] = address.password.reveal()
    identity = {"dbname": database, "user": address.user}
    schema = schema_name(more[0]) if more else SCHEMA
    return DatabasePlace(address.endpoints, {**_BOUNDS, **_VERIFIED, **parameters, **identity}, schema)


async def resolve_place(place: DatabasePlace) -> Mapping[str, str]:
    """Return the parameters of a connection, with the addresses of its hosts.

    Raises:
        StoreUnavailable: no host has one
    """
    hosts = [pair for endpoint in place.endpoints for pair in await _addresses(endpoint)]
    if not hosts:
        raise StoreUnavailable("the PostgreSQL server's name has no address")
    lists = {
        "host": ",".join(endpoint.host for endpoint, _ in hosts),
        "hostaddr": ",".join(address for _, address in hosts),
        "port": ",".join(str(endpoint.port) for endpoint, _ in hosts),
    }
    return {**place.parameters, **lists}


async def _addresses(endpoint: EngineHost) -> list[tuple[EngineHost, str]]:
    try:
        answers = await trio.socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(endpoint, address) for address in dict.fromkeys(str(answer[4][0]) for answer in answers)]
