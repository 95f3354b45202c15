"""Connections to hosts: resolved once, checked, and dialled at the address that was checked.

Law: a host that gets a value is verified by TLS under the name that its rule has (RFC 9525).
"""

import socket
import ssl
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Final

import trio

from envfs.proxy.addresses import Denied, plain_address, reachable
from envfs.proxy.hosts import Endpoint
from envfs.proxy.outgoing import UpstreamFailed
from envfs.proxy.prompt_stream import PromptStream
from envfs.proxy.rules import ProxyRule

DIAL_SECONDS: Final = 20.0
_MOST_ADDRESSES: Final = 8


def trusting_context(roots: str, protocols: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """Return the context by which hosts are verified: the system's certificates and those of a file.

    `protocols` are what they may speak, the best one first (RFC 7301).

    Raises:
        OSError: the file cannot be read, or has no certificate
    """
    context = ssl.create_default_context()
    if roots:
        context.load_verify_locations(roots)
    context.set_alpn_protocols(list(protocols))
    return context


async def dial(endpoint: Endpoint, rules: Sequence[ProxyRule]) -> PromptStream:
    """Connect to a host.

    Raises:
        UpstreamFailed: it has no address that may be reached, or does not answer
    """
    given = next((rule.address for rule in rules if rule.address), "")
    addresses = [given] if given else await _addresses(endpoint, rules)
    for address in addresses[:_MOST_ADDRESSES]:
        stream = await _connected(address, endpoint.port)
        if stream is not None:
            return stream
    raise UpstreamFailed(f"{endpoint.authority} cannot be reached")


async def dial_verified(
    endpoint: Endpoint, rules: Sequence[ProxyRule], context: ssl.SSLContext
) -> "trio.SSLStream[PromptStream]":
    """Connect to a host and verify it.

    Raises:
        UpstreamFailed: it cannot be reached, or is not the one that it should be
    """
    try:
        with trio.fail_after(DIAL_SECONDS):
            plain = await dial(endpoint, rules)
            stream = trio.SSLStream(plain, context, server_hostname=endpoint.host, https_compatible=True)
            try:
                await stream.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(plain)
                raise
    except trio.TooSlowError:
        raise UpstreamFailed(f"{endpoint.authority} does not answer") from None
    except (trio.BrokenResourceError, ssl.SSLError, ssl.CertificateError) as error:
        cause = error.__cause__ or error
        why = getattr(cause, "verify_message", "") or "TLS failed"
        raise UpstreamFailed(f"{endpoint.authority} is not verified: {why}") from None
    return stream


async def _addresses(endpoint: Endpoint, rules: Sequence[ProxyRule]) -> list[str]:
    try:
        answers = await trio.socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UpstreamFailed(f"{endpoint.host} has no address") from None
    texts = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    own = [plain_address(text) for text in texts if _is_here(text)]
    try:
        return reachable(texts, endpoint, rules, own)
    except Denied:
        text = f"{endpoint.host} has a private address or one of this machine, which no rule names"
        raise UpstreamFailed(text) from None


def _is_here(address: str) -> bool:
    # only an address of this machine can be bound
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        probe.bind((address, 0))
        return True
    return False


async def _connected(address: str, port: int) -> PromptStream | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        connection = trio.socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # there is no descriptor for it
        return None
    try:
        await connection.connect((address, port))
    except OSError:
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return PromptStream(connection)
