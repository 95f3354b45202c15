"""The messages between the daemon and a proxy (docs/protocol.md §4), one packet each on a socket pair.

Laws: a message holds no value and no key: these lie in memory whose descriptor comes with it. A request of the proxy
has a number, and its answer has the same one.
"""

from envfs.errors import BadRequest
from envfs.protocol import jsontext, wire
from envfs.tuples import NamedTuple

PACKET = 1 << 17  # bytes


class SessionRule(NamedTuple):
    """A rule, as the settings have it."""

    name: str
    key: str
    hosts: tuple[str, ...]
    where: tuple[str, ...]
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    networks: tuple[str, ...]
    address: str
    scrub: bool
    approve: str = "never"
    test: str = ""
    h2: bool = False


class BeginSession(NamedTuple):
    """The first message to a proxy. Descriptor: the bindings (protocol.bindings), of `size` bytes.

    `token` is what its clients show. With `strict` no host without a rule is reached. `roots` is a file with more
    certificates to trust, or empty.
    """

    token: str
    rules: tuple[SessionRule, ...]
    size: int
    strict: bool = False
    roots: str = ""


class SessionReady(NamedTuple):
    """The proxy listens on that port of 127.0.0.1."""

    port: int


class AdmitRequest(NamedTuple):
    """A request is going to be sent to a host, with the values of `keys` in it. `path` has no query.

    The remainder is for a person who has to say yes to it. `digest` is the SHA-256 of the body, in hexadecimal, and
    `size` its bytes. Without a digest the body is not known.
    """

    number: int
    method: str
    host: str
    path: str
    rule: str
    keys: tuple[str, ...] = ()
    query: str = ""
    media: str = ""
    digest: str = ""
    size: int = 0


class RequestAdmitted(NamedTuple):
    """It is in the access log, and may be sent."""

    number: int


class RequestDenied(NamedTuple):
    """It may not be sent: the log cannot be written, the session's right has ended, or a person did not say yes.

    `code` is one word for programs.
    """

    number: int
    status: int
    text: str
    code: str = "refused"


class WithdrawRequest(NamedTuple):
    """The client of a request that waits for a person has left. That request is answered all the same."""

    number: int


class ReportRefusal(NamedTuple):
    """The proxy refused a request. It is not answered."""

    method: str
    host: str
    path: str
    reason: str


class IdentifyClient(NamedTuple):
    """A client shows no token. `client_port` and `port` are those of its connection over 127.0.0.1."""

    number: int
    client_port: int
    port: int


class ClientIdentified(NamedTuple):
    """It is a process of the session, or it is not seen to be one."""

    number: int
    is_of_session: bool


class IssueLeaf(NamedTuple):
    """A host's certificate is needed."""

    number: int
    host: str


class LeafIssued(NamedTuple):
    """It is in the descriptor, with its key."""

    number: int


TO_PROXY = wire.message_table(BeginSession, RequestAdmitted, RequestDenied, ClientIdentified, LeafIssued)
TO_DAEMON = wire.message_table(SessionReady, AdmitRequest, WithdrawRequest, ReportRefusal, IdentifyClient, IssueLeaf)


def encode_packet(message: NamedTuple) -> bytes:
    """Write a message as one packet.

    Raises:
        BadRequest: it is too large for one
    """
    packet = jsontext.encode_json(wire.to_body(message))
    if len(packet) > PACKET:
        raise BadRequest("a message of the proxy is too large")
    return packet


def decode_packet(packet: bytes, kinds: dict[str, type]) -> object:
    """Read a packet.

    Raises:
        BadRequest: it is none of these messages
    """
    try:
        body = jsontext.decode_json(packet)
    except (ValueError, RecursionError):
        raise BadRequest("not a message of the proxy") from None
    if not isinstance(body, dict):
        raise BadRequest("not a message of the proxy")
    return wire.from_body(body, kinds)
