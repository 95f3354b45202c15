"""Hosts and ports as rules and requests name them.

A pattern is a host, or `*.` and a domain, which stands for one label: `*.example.com` is `a.example.com` and not
`a.b.example.com`, and `*.*.example.com` is the reverse. Without a port it is 443. Laws: a host has one spelling, lower
case and without a dot at its end.
"""

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from envfs.errors import EnvFSError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

HTTPS: Final = 443
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)  # RFC 1123 §2.1, and the underscore that some have
_STARS = re.compile(r"(?:\*\.)+")
_LONGEST: Final = 253
_PORTS: Final = range(1, 65536)


class Endpoint(NamedTuple):
    """A host and a port. An IPv6 address is without brackets."""

    host: str
    port: int = HTTPS

    @property
    def authority(self) -> str:
        """Write it as the header Host does: without the usual port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS else f"{host}:{self.port}"

    def fits(self, pattern: "Endpoint") -> bool:
        """Tell whether a pattern stands for it."""
        if self.port != pattern.port:
            return False
        labels, patterns = self.host.split("."), pattern.host.split(".")
        if len(labels) != len(patterns) or self.is_address:
            return self.host == pattern.host
        return all(own in ("*", label) for label, own in zip(labels, patterns, strict=True))

    @property
    def is_address(self) -> bool:
        """Tell whether it is an address and no name."""
        return address_of(self.host) is not None


def address_of(host: str) -> "IPv4Address | IPv6Address | None":
    """Return the address that a host is written as. None for a name."""
    import ipaddress  # noqa: PLC0415 - 0.2 MB, which a daemon without a proxy does without

    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def parse_endpoint(text: str, port: int = HTTPS) -> Endpoint:
    """Read `host`, `host:port` or `[address]:port`.

    Raises:
        EnvFSError: it is none of them
    """
    host, colon, digits = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        host, digits = text, str(port)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5 or int(digits) not in _PORTS:  # noqa: PLR2004
        raise EnvFSError("not a host and a port")
    return Endpoint(_spelled(host), int(digits))


def parse_pattern(text: str) -> Endpoint:
    """Read a host, or `*.` (once or more) and a domain, with a port or without.

    Raises:
        EnvFSError: it is none of them, or stands for more than one label
    """
    stars = _STARS.match(text)
    if stars is None:
        return parse_endpoint(text)
    domain = parse_endpoint(text[stars.end() :])
    if "." not in domain.host or domain.is_address:
        raise EnvFSError(f"{text!r} stands for too many hosts", "name a domain behind *., such as *.example.com")
    return Endpoint(f"{stars[0]}{domain.host}", domain.port)


def _spelled(host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        address = address_of(host[1:-1])
        if address is None or address.version == 4 or "%" in host:  # noqa: PLR2004 - a zone is of this machine alone
            raise EnvFSError("not a host and a port")
        return str(address)
    name = host.lower().removesuffix(".") if host.isascii() else ""  # a sign of another script may become a letter
    address = address_of(name)
    if address is not None and address.version == 4:  # noqa: PLR2004
        return str(address)
    # 0x7f.1 and 2130706433 are addresses to some, and names to others
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or _is_number(name.rpartition(".")[2]):
        raise EnvFSError("not a host and a port")
    return name


def _is_number(label: str) -> bool:
    return label.isdigit() or bool(re.fullmatch(r"0x[0-9a-f]*", label))
