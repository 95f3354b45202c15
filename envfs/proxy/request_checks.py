"""Requests that are refused before anybody looks at their content: what two programs may read in two ways.

Laws: what goes on names the host that its connection is for. Its path means the same to everybody. Its body has one
length.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from envfs.errors import EnvFSError
from envfs.proxy.hosts import Endpoint, parse_endpoint
from envfs.proxy.places import is_of_connection
from envfs.proxy.rules import ApprovalNeed, ProxyRule
from envfs.proxy.substitution import RequestHead

MOST_HEADERS, MOST_HEAD_BYTES, LONGEST_TARGET, LONGEST_METHOD = 200, 1 << 16, 1 << 15, 32
_FOLDED = re.compile(rb"\r?\n[ \t]")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_TARGET = re.compile(rb"[!-~]*")  # without blanks, controls, and bytes that are no ASCII (RFC 9112 §3.2)
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_OVERRIDING: Final = frozenset(
    (b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url")
)
_METHOD = re.compile(rf"[A-Z]{{1,{LONGEST_METHOD}}}")
_NO_METHODS: Final = ("TRACE", "CONNECT", "TRACK")
_VERSIONS: Final = (b"2", b"1.1", b"1.0")
_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)


class Rejected(Exception):
    """A request that is refused for its form."""

    def __init__(self, status: int, text: str) -> None:
        """Answer with a status (RFC 9110 §15) and a text."""
        super().__init__(text)
        self.status = status
        self.text = text


class RawRequest(NamedTuple):
    """A request as it came. Names of headers are in lower case. `version` is `2`, `1.1` or `1.0`."""

    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    version: bytes = b"1.1"

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        return [value for other, value in self.headers if other == name]


def check_bytes(head: bytes) -> None:
    """Refuse a head whose lines others may divide in another way (RFC 9112 §2.2, §5.2).

    Raises:
        Rejected: it has a folded line, or a line end that is none
    """
    if _FOLDED.search(head):
        raise Rejected(400, "a header goes on in the next line")
    if _BARE.search(head):
        raise Rejected(400, "a line ends with something else than CR LF")


def check_request(request: RawRequest, endpoint: Endpoint, scheme: bytes = b"https") -> RequestHead:
    """Return the head that goes on to a host. Headers of the connection are not in it.

    Raises:
        Rejected: it names another host, or its meaning is not certain
    """
    if request.method in _NO_METHODS or not _METHOD.fullmatch(request.method):
        raise Rejected(405, "the proxy passes no request with this method on")
    if request.version not in _VERSIONS:
        raise Rejected(505, "the version of HTTP is neither 2 nor 1.1 nor 1.0")
    if len(request.headers) > MOST_HEADERS or len(request.target) > LONGEST_TARGET:
        raise Rejected(431, "the head of the request is too large")
    _check_framing(request)
    _check_host(request, endpoint)
    target = _origin_form(request.target, endpoint, scheme)
    check_path(target)
    return RequestHead(request.method, target, _passed_on(request))


def check_overriding(head: RequestHead, rules: Iterable[ProxyRule]) -> None:
    """Refuse a request that tells its host another method or path, where one of the rules goes by these.

    Raises:
        Rejected: it has such a header
    """
    if not any(name.replace(b"_", b"-") in _OVERRIDING for name, _ in head.headers):  # alike by CGI (RFC 3875 §4.1.18)
        return
    if any(rule.methods or rule.paths or rule.approve is not ApprovalNeed.NEVER for rule in rules):
        raise Rejected(400, "a header names another method or path, and a rule has limits for these")


def check_path(target: bytes) -> None:
    """Refuse a path that others may take for another one.

    Raises:
        Rejected: it has dot segments, however they are written, backslashes or control characters
    """
    if not _TARGET.fullmatch(target):
        raise Rejected(400, "the path has a character that no path has")
    path = target.partition(b"?")[0].decode().lower()
    if "\\" in path or "%5c" in path or _CONTROL.search(path):
        raise Rejected(400, "the path may mean another one: it has a backslash or a control character")
    if any(segment.replace("%2e", ".").partition(";")[0] in (".", "..") for segment in re.split("/|%2f", path)):
        raise Rejected(400, "the path may mean another one: it has a segment of dots")


def _check_framing(request: RawRequest) -> None:
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    if codings and (lengths or request.version == b"1.0"):
        raise Rejected(400, "the length of the body is not certain")
    if len(codings) > 1 or (codings and codings[0].strip().lower() != b"chunked"):
        raise Rejected(501, "a transfer coding that the proxy does not know")
    if len(lengths) > 1 or (lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0])):
        raise Rejected(400, "the length of the body is not certain")
    expected = request.values(b"expect")
    if expected and [value.lower() for value in expected] != [b"100-continue"]:
        raise Rejected(417, "the proxy cannot meet this expectation")


def _check_host(request: RawRequest, endpoint: Endpoint) -> None:
    hosts = request.values(b"host")
    if len(hosts) > 1 or (not hosts and request.version != b"1.0"):
        raise Rejected(400, "a request names one host")
    if hosts and not _is_host(hosts[0], endpoint):
        raise Rejected(421, "the request is for another host than its connection")


def _is_host(text: bytes, endpoint: Endpoint) -> bool:
    if text == endpoint.authority.encode():  # as nearly all write it
        return True
    try:
        return parse_endpoint(text.decode("ascii"), endpoint.port) == endpoint
    except (EnvFSError, UnicodeDecodeError):
        return False


def _origin_form(target: bytes, endpoint: Endpoint, scheme: bytes) -> bytes:
    if target.startswith(b"/"):
        if b"#" in target:
            raise Rejected(400, "the path has a character that no path has")
        return target
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Rejected(400, "the target of the request is no path")
    if match[1].lower() != scheme or not _is_host(match[2], endpoint):
        raise Rejected(421, "the request is for another host than its connection")
    return match[3] if match[3].startswith(b"/") else b"/" + match[3]


def is_upgrade(request: RawRequest) -> bool:
    """Tell whether a client asks for a WebSocket (RFC 6455 §4.1)."""
    upgrades = [value.strip().lower() for value in request.values(b"upgrade")]
    return request.method == "GET" and upgrades == [b"websocket"] and b"upgrade" in _connection_words(request)


def _connection_words(request: RawRequest) -> set[bytes]:
    return {word.strip().lower() for value in request.values(b"connection") for word in value.split(b",")}


def _passed_on(request: RawRequest) -> tuple[tuple[bytes, bytes], ...]:
    dropped = _connection_words(request)
    return tuple(
        (name, value)
        for name, value in request.headers
        if name not in dropped and not is_of_connection(name.decode("latin-1"))
    )
