"""The addresses that a host may have: no request is sent into this machine or its neighbourhood by a name.

Law: an address that is denied is reached by a rule that names it, or its network, and in no other way. Loopback needs
a rule that names the host `localhost` or the address itself.
"""

import ipaddress
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from envfs.proxy.hosts import Endpoint, address_of
from envfs.proxy.rules import ProxyRule

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32"),
            *("192.0.0.192/32", "0.0.0.0/8", "::/128", "224.0.0.0/3", "ff00::/8", "fd20:ce::254/128"),
        ),
    )
)
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))  # RFC 6052, RFC 8215
_LOCALHOST: Final = "localhost"


class Denied(Exception):
    """None of a host's addresses may be reached."""


def plain_address(text: str) -> Address:
    """Return an address. One that stands for another (IPv4 in IPv6) is that one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or _translated(address) or address
    return address


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_reachable(
    address: Address, endpoint: Endpoint, rules: Sequence[ProxyRule], own: Collection[Address] = ()
) -> bool:
    """Tell whether an address of a host may be dialled. `own` are the addresses of this machine."""
    if any(address in ipaddress.ip_network(network) for rule in rules for network in rule.networks):
        return True
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    is_here = address.is_loopback or address in own
    if is_here:
        return bool(rules) and (endpoint.host == _LOCALHOST or address_of(endpoint.host) == address)
    if rules and (address.is_private or not address.is_global):
        return address_of(endpoint.host) == address
    return True


def reachable(
    texts: Iterable[str], endpoint: Endpoint, rules: Sequence[ProxyRule], own: Collection[Address] = ()
) -> list[str]:
    """Return the addresses of a host that may be dialled, in their order.

    Raises:
        Denied: there is none
    """
    chosen = [text for text in texts if is_reachable(plain_address(text), endpoint, rules, own)]
    if not chosen:
        raise Denied
    return chosen
