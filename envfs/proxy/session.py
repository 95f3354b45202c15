"""A session of the proxy: its rules, its variables, its token, and what is remembered for each host."""

import hmac
import os
import ssl
from typing import Final, TypeVar

from envfs.host.memory import Region
from envfs.protocol.bindings import Binding, read_bindings
from envfs.protocol.proxying import BeginSession
from envfs.proxy.daemon_link import DaemonLink
from envfs.proxy.hosts import Endpoint
from envfs.proxy.rules import rule_of_row
from envfs.proxy.upstream import trusting_context
from envfs.proxy.variables import HostRules, SessionVariable, host_rules

_MOST_HOSTS: Final = 256
_HTTP1, _HTTP2 = ("http/1.1",), ("h2", "http/1.1")
Remembered = TypeVar("Remembered")


class ProxySession:
    """All that the connections of a session share."""

    def __init__(self, begin: BeginSession, region: Region, link: DaemonLink) -> None:
        """Take over what the daemon sent.

        Raises:
            EnvFSError: a rule, or the memory, is malformed
            OSError: the file with certificates cannot be read
        """
        self._token = begin.token.encode()
        self._region = region
        self.link = link
        self.is_strict = begin.strict
        self.rules = tuple(map(rule_of_row, begin.rules))
        memory = memoryview(region.map)[: region.size]
        self._variables = tuple(_variable(binding) for binding in read_bindings(memory))
        self._trust = {False: trusting_context(begin.roots)}
        if any(rule.h2 for rule in self.rules):
            self._trust[True] = trusting_context(begin.roots, _HTTP2)
        self._hosts: dict[Endpoint, HostRules] = {}
        self._leaves: dict[Endpoint, ssl.SSLContext] = {}

    def is_token(self, text: bytes) -> bool:
        """Tell whether a client shows the token of this session."""
        return hmac.compare_digest(text, self._token)

    def host(self, endpoint: Endpoint) -> HostRules:
        """Return what counts for a host."""
        if endpoint not in self._hosts:
            _remember(self._hosts, endpoint, host_rules(self.rules, self._variables, endpoint))
        return self._hosts[endpoint]

    def trust(self, *, http2: bool) -> ssl.SSLContext:
        """Return the context by which hosts are verified."""
        return self._trust[http2]

    async def leaf_context(self, endpoint: Endpoint) -> ssl.SSLContext:
        """Return the context by which this process stands for a host.

        Raises:
            NotAdmitted: there is no certificate for it
        """
        if endpoint not in self._leaves:
            protocols = _HTTP2 if self.host(endpoint).is_http2 else _HTTP1
            context = _serving_context(await self.link.leaf(endpoint.host), endpoint, protocols)
            _remember(self._leaves, endpoint, context)
        return self._leaves[endpoint]


def _variable(binding: Binding) -> SessionVariable:
    value = binding.value
    return SessionVariable(binding.name, binding.placeholder, value if isinstance(value, memoryview) else None)


def _serving_context(descriptor: int, endpoint: Endpoint, protocols: tuple[str, ...]) -> ssl.SSLContext:
    def check_name(_stream: object, name: str | None, _context: object) -> int | None:
        # a client may name none, but not another one (RFC 6066 §3)
        is_other = name is not None and name.lower() != endpoint.host
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if is_other else None

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = check_name
    context.set_alpn_protocols(list(protocols))
    try:
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context


def _remember(among: dict[Endpoint, Remembered], endpoint: Endpoint, value: Remembered) -> None:
    if len(among) >= _MOST_HOSTS:
        among.pop(next(iter(among)))
    among[endpoint] = value
