"""Sessions of the proxy: requests, rows and the reply (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class OpenProxy(NamedTuple):
    """Start a proxy for the client's process, with which it ends. The reply is ProxyOpened and its blobs.

    `only` are the variables that the command gets, all without any. `strict`: no host without a rule is reached.
    `reason` as in ReadView, and a WaitingRow may come first in the same way.
    """

    level: str
    only: tuple[str, ...] = ()
    strict: bool = False
    reason: str = ""


class BaseUrl(NamedTuple):
    """A variable by which a client finds a host of a rule, and the path that it expects there."""

    variable: str
    rule: str
    path: str


class ProxyOpened(NamedTuple):
    """A proxy listens on that port of 127.0.0.1.

    Blobs: the token, of `token_size` bytes, the certificate of its authority in PEM, of `certificate_size`, and the
    variables of the command as `exec` gets them, with placeholders. `dangerous` as in ViewSent.
    """

    session: str
    port: int
    token_size: int
    certificate_size: int
    base_urls: tuple[BaseUrl, ...] = ()
    dangerous: tuple[str, ...] = ()


class ListProxies(NamedTuple):
    """The sessions that run: the owner's are all, another user's its own. Rows: ProxyRow."""


class ProxyRow(NamedTuple):
    """A session: whose, for which command and level, and what it did so far."""

    session: str
    level: str
    uid: int
    user: str
    pid: int
    port: int
    rules: tuple[str, ...]
    requests: int
    refusals: int


class StopProxy(NamedTuple):
    """End a session. Reply: Done."""

    session: str


class ListProxyRules(NamedTuple):
    """The rules of the settings, and with a level those that its variables have. Rows: ProxyRuleRow."""

    level: str = ""


class ProxyRuleRow(NamedTuple):
    """A rule. `source` is `settings` or `catalogue`, `approve` whether a person has to say yes to its requests.

    `test` is the path of a cheap request, and its headers behind blanks. Empty for none. `untested` is why the
    catalogue has none.
    """

    name: str
    key: str
    hosts: tuple[str, ...]
    where: tuple[str, ...]
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    source: str
    approve: str = "never"
    test: str = ""
    untested: str = ""


ProxiesRequest = OpenProxy | ListProxies | StopProxy | ListProxyRules
ProxiesRow = ProxyRow | ProxyRuleRow
ProxiesReply = ProxyOpened
