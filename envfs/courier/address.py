"""Addresses of engines: `folder:/srv/vault`, `ssh://alice@host/srv/vault`, `postgres://host/vault`, and so on.

Laws: an address has one meaning or is refused, with a hint. A password in one is a Secret, and no text, repr or error
shows it. No host and no user begins with a sign that a command could take for an option.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from envfs.core.secret import Secret
from envfs.errors import BadRequest

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_LONGEST = 4096
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)
_SCHEME = re.compile(r"([a-z][a-z0-9]*):", re.ASCII)
_PORTS = 65536


class Scheme(NamedTuple):
    """The parts of an engine's addresses. Options outside of `options` are refused. `port` 0: a program knows it."""

    port: int = 0
    options: frozenset[str] = frozenset()
    has_host: bool = True
    has_path: bool = True
    takes_password: bool = False
    loopback_only: bool = False
    example: str = ""


_SSH_OPTIONS = frozenset({"config", "identity", "known_hosts"})
_TLS_OPTIONS = frozenset({"ca", "cert", "key"})
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "folder": Scheme(has_host=False, example="folder:/srv/vault"),
        "ssh": Scheme(0, _SSH_OPTIONS, example="ssh://alice@host/srv/vault"),
        "sftp": Scheme(0, _SSH_OPTIONS, example="sftp://alice@host/vault"),
        "postgres": Scheme(
            5432, _TLS_OPTIONS | {"passfile"}, takes_password=True, example="postgres://alice@host/vault"
        ),
        "etcd": Scheme(2379, _TLS_OPTIONS, takes_password=True, example="etcd://host:2379/vault"),
        "http": Scheme(80, has_path=False, loopback_only=True, example="http://127.0.0.1:8080"),
    }
)
_ALIASES = {"postgresql": "postgres"}


class EngineHost(NamedTuple):
    """A host and a port. `host` is a name or an address of IPv4 or IPv6, without brackets. Port 0 was not said."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


class Address(NamedTuple):
    """A parsed address. `path` begins with a slash. `options` are what stands behind the question mark."""

    scheme: str
    path: str = ""
    user: str = ""
    endpoints: tuple[EngineHost, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    password: Secret[str] | None = None

    @property
    def host(self) -> str:
        """Return the first host, or the empty string."""
        return self.endpoints[0].host if self.endpoints else ""

    @property
    def port(self) -> int:
        """Return the first host's port, or 0."""
        return self.endpoints[0].port if self.endpoints else 0

    def option(self, name: str) -> str:
        """Return an option, or the empty string."""
        return dict(self.options).get(name, "")

    def __str__(self) -> str:
        """Show where it leads: no password, and no options, which are of no use to a reader."""
        if not self.endpoints:
            return f"{self.scheme}:{self.path}"
        hosts = ",".join(map(str, self.endpoints))
        return f"{self.scheme}://{self.user}{'@' if self.user else ''}{hosts}{self.path}"


def parse_address(text: str) -> Address:
    """Read an address.

    Raises:
        BadRequest: it is none. What it says never shows a password
    """
    if len(text) > _LONGEST or not text.isprintable() or not text.isascii():
        raise BadRequest("an address of an engine is printable ASCII")
    match = _SCHEME.match(text)
    name = _ALIASES.get(match[1], match[1]) if match else ""
    scheme = SCHEMES.get(name)
    if match is None or scheme is None:
        raise BadRequest("not an address of an engine", f"one begins with {_listed()}")
    inner = text[match.end() :]
    if not scheme.has_host:
        return Address(name, _folder_path(inner, scheme))
    if not inner.startswith("//"):
        raise _malformed(scheme)
    return _with_host(name, scheme, inner[2:])


def _listed() -> str:
    *first, last = (f"{name}:" if not scheme.has_host else f"{name}://" for name, scheme in SCHEMES.items())
    return f"{', '.join(first)} or {last}"


def _malformed(scheme: Scheme, text: str = "not an address of an engine") -> BadRequest:
    return BadRequest(text, f"one looks like {scheme.example}")


def _folder_path(path: str, scheme: Scheme) -> str:
    while path.startswith("//"):
        path = path[1:]
    if not path.startswith("/") or ".." in path.split("/") or not path.strip("/"):
        raise _malformed(scheme, "the path of a folder begins with /, goes on, and has no ..")
    return path.rstrip("/")


def _with_host(name: str, scheme: Scheme, inner: str) -> Address:
    inner, _, query = inner.partition("?")
    authority, slash, path = inner.partition("/")
    path = _unquoted(f"{slash}{path}")
    if "#" in inner or not path.isprintable():
        raise _malformed(scheme)
    if scheme.has_path and path in ("", "/"):
        raise _malformed(scheme, "the address names no place on its host")
    if not scheme.has_path and path not in ("", "/"):
        raise _malformed(scheme, "the address has a path, and such an engine has none")
    if ".." in path.split("/"):
        raise _malformed(scheme, "the path of an address has no ..")
    login, at, hosts = authority.rpartition("@")
    user, password = _login(login, scheme) if at else ("", None)
    endpoints = tuple(_endpoint(host, scheme) for host in hosts.split(","))
    return Address(name, path.rstrip("/"), user, endpoints, _options(query, scheme), password)


def _login(login: str, scheme: Scheme) -> tuple[str, Secret[str] | None]:
    user, colon, password = login.partition(":")
    user = _unquoted(user)
    if not _USER.fullmatch(user):
        raise _malformed(scheme, "the user of an address is letters, digits, _ . and -")
    if colon and not scheme.takes_password:
        raise _malformed(scheme, "such an address has no password")
    return user, Secret(_unquoted(password)) if colon else None


def _endpoint(text: str, scheme: Scheme) -> EngineHost:
    host, number = _host_and_port(text)
    port = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0  # noqa: PLR2004
    if number and not 0 < port < _PORTS:
        raise _malformed(scheme, "the port of an address is a number below 65536")
    if not (_is_ip(host) if ":" in host else _HOST.fullmatch(host)):
        raise _malformed(scheme, "the host of an address is a name or an IP address")
    if scheme.loopback_only and not _is_loopback(host):
        raise _malformed(scheme, "plain HTTP is for this machine alone, as a vault's names could be read on the way")
    return EngineHost(host, port or scheme.port)


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, after = text[1:].partition("]")
        return (host, after.removeprefix(":")) if bracket and after[:1] in ("", ":") and ":" in host else ("", "")
    host, _, number = text.partition(":")
    return host, number


def _is_ip(host: str) -> bool:
    try:
        _ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and _ip_address(host).is_loopback)


def _options(query: str, scheme: Scheme) -> tuple[tuple[str, str], ...]:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    options = [(name, _unquoted(value)) for name, _, value in pairs]
    unknown = next((name for name, _ in options if name not in scheme.options), None)
    if unknown is not None:
        allowed = ", ".join(sorted(scheme.options)) or "none"
        raise BadRequest("the address has an option that such an engine does not have", f"its options: {allowed}")
    if len(dict(options)) < len(options) or not all(value and value.isprintable() for _, value in options):
        raise BadRequest("an option of the address is there twice, or says nothing")
    return tuple(options)


def _unquoted(text: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - 0.4 MB, and few vaults are shared

    return unquote(text)


def _ip_address(host: str) -> "IPv4Address | IPv6Address":
    import ipaddress  # noqa: PLC0415 - the same

    return ipaddress.ip_address(host)
