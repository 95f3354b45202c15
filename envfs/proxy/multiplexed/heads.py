"""Heads of HTTP/2 as the same ones of HTTP/1.1, and back (RFC 9113 §8).

Laws: a head that could become two of HTTP/1.1, or another one, is refused. Headers of a connection go over in neither
direction.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from envfs.proxy.places import is_of_connection
from envfs.proxy.request_checks import RawRequest, Rejected

Headers = Sequence[tuple[bytes, bytes]]
VERSION: Final = b"2"
_PSEUDO: Final = frozenset((b":method", b":scheme", b":authority", b":path"))
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(rb"[^\0\r\n]*")
_FRAMING: Final = (b"content-length", b"transfer-encoding")
_BARRED: Final = frozenset((b"connection", b"transfer-encoding", b"upgrade", b"keep-alive", b"proxy-connection"))


class MalformedHead(Exception):
    """A head that is none."""


def raw_request(headers: Headers, *, is_whole: bool) -> RawRequest:
    """Return a request as HTTP/1.1 has it. Without `is_whole` its body is to come.

    Raises:
        Rejected: it is malformed
    """
    try:
        pseudo, fields = _divided(headers)
    except MalformedHead:
        raise Rejected(400, "the head of the request is malformed") from None
    if pseudo.get(b":protocol") == b"websocket":  # RFC 8441, which the proxy does not offer
        raise Rejected(501, "the proxy takes a WebSocket by HTTP/1.1 alone")
    if pseudo.keys() - _PSEUDO or pseudo.get(b":scheme") != b"https" or not pseudo.get(b":path", b"").startswith(b"/"):
        raise Rejected(400, "the head of the request is malformed")
    if any(name in _BARRED for name, _ in fields):
        raise Rejected(400, "a header is about the connection, which HTTP/2 has none for")
    lengths = [value for name, value in fields if name == b"content-length"]
    if is_whole and any(length.strip(b"0") for length in lengths):
        raise Rejected(400, "the body of the request ends early")
    authority = pseudo.get(b":authority")
    hosts = [authority] if authority is not None else []
    named = [*hosts, *(value for name, value in fields if name == b"host" and value not in hosts)]
    others = [(name, value) for name, value in fields if name != b"host"]
    if not is_whole and not lengths:
        others.append((b"transfer-encoding", b"chunked"))
    method = pseudo.get(b":method", b"").decode("latin-1")
    return RawRequest(method, pseudo[b":path"], (*((b"host", name) for name in named), *others), VERSION)


def request_headers(method: str, target: bytes, headers: Headers) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return the head of a request to a host, and whether that is all of it."""
    host = next((value for name, value in headers if name == b"host"), b"")
    pseudo = [(b":method", method.encode()), (b":scheme", b"https"), (b":authority", host), (b":path", target)]
    framing = [value for name, value in headers if name in _FRAMING and value != b"0"]
    kept = [(name, value) for name, value in headers if name not in _BARRED and name != b"host"]
    return [*pseudo, *kept], not framing


def response_headers(status: int, headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the head of a response to a client."""
    return [(b":status", str(status).encode()), *of_message(headers)]


def of_message(headers: Headers) -> Iterable[tuple[bytes, bytes]]:
    """Return those headers that are not about a connection, but the length."""
    for name, value in headers:
        lower = name.lower()
        if lower == b"content-length" or not is_of_connection(lower.decode("latin-1")):
            yield lower, value


def response_head(headers: Headers) -> tuple[int, Headers]:
    """Return the status and the headers of a response.

    Raises:
        MalformedHead: it has none, or a header that HTTP/1.1 could not have
    """
    pseudo, fields = _divided(headers)
    status = pseudo.get(b":status", b"")
    if not re.fullmatch(rb"[1-9][0-9][0-9]", status):
        raise MalformedHead
    return int(status), [(name, value) for name, value in fields if name not in _BARRED]


def trailer_fields(headers: Headers) -> Headers:
    """Return trailers. Those that are about the connection, or that no message has at its end, are not among them.

    Raises:
        MalformedHead: one is none
    """
    pseudo, fields = _divided(headers)
    if pseudo:
        raise MalformedHead
    return [(name, value) for name, value in fields if not is_of_connection(name.decode("latin-1"))]


def _divided(headers: Headers) -> tuple[Mapping[bytes, bytes], Headers]:
    pseudo: dict[bytes, bytes] = {}
    fields: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if not _VALUE.fullmatch(value) or (name.startswith(b":") and (fields or name in pseudo)):
            raise MalformedHead
        if name.startswith(b":"):
            pseudo[bytes(name)] = bytes(value)
        elif _NAME.fullmatch(name):
            fields.append((bytes(name), bytes(value).strip(b" \t")))
        else:
            raise MalformedHead
    return pseudo, fields
