"""Putting values into a request: its target, its headers, its body.

Laws: a value comes into the place of its own placeholder, and nowhere else. No header is added, none removed. A
placeholder that no rule lets stand where it stands refuses the request, and nothing of it is sent. A value is escaped
as its place needs it, or the request is refused.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from envfs.proxy.places import Place, PlaceKind
from envfs.proxy.replacing import Replacement, replace_texts
from envfs.proxy.variables import HostRules, SessionVariable

Headers = tuple[tuple[bytes, bytes], ...]
_BASIC = re.compile(rb"basic[ \t]+([A-Za-z0-9+/=_-]+)[ \t]*", re.IGNORECASE)  # RFC 7617
IN_PATH = "-._~!$&'()*+,;=:@"  # of RFC 3986 §3.3
_SIGNED = b"AWS4-"
_BREAKING = re.compile(rb"[\0\n\v\f\r]")


class RequestHead(NamedTuple):
    """Method, target (path and query) and headers of a request, as bytes. Names of headers are in lower case."""

    method: str
    target: bytes
    headers: Headers

    @property
    def path(self) -> str:
        """The path as rules match it."""
        return self.target.partition(b"?")[0].decode("latin-1")


class Unfit(Exception):
    """A placeholder stands where its value may not be put in. `key` is the variable, `place` where it stands."""

    def __init__(self, key: str, place: str, reason: str) -> None:
        """Say why."""
        super().__init__(reason)
        self.key = key
        self.place = place
        self.reason = reason


class Substituted(NamedTuple):
    """A request with values in it, and the names of these."""

    head: RequestHead
    keys: tuple[str, ...]


class _Request:
    """One request on its way, and the places that were filled."""

    def __init__(self, host: HostRules, head: RequestHead) -> None:
        self.host = host
        self.head = head
        self.filled: list[tuple[str, Place]] = []

    def fill(self, text: bytes, place: Place, escape: Callable[[bytes], bytes] = bytes) -> bytes:
        """Return the text of a place with values in it.

        Raises:
            Unfit: a placeholder may not stand there
        """
        pairs = [
            Replacement(variable.placeholder, escape(self._value(variable, place, text)))
            for variable in self.host.variables
            if variable.placeholder in text
        ]
        return replace_texts(text, pairs) if pairs else text

    def _value(self, variable: SessionVariable, place: Place, text: bytes) -> bytes:
        rules = self.host.rules_of(variable, self.head.method, self.head.path)
        covering = [rule for rule in rules if rule.covers(place)]
        if not covering or variable.value is None:
            raise Unfit(variable.name, place.text, self._reason(variable))
        if text.count(variable.placeholder) > 1 or (variable.name, place) in self.filled:
            raise Unfit(variable.name, place.text, "its placeholder stands there more than once")
        self.filled.append((variable.name, place))
        return bytes(variable.value)

    def _reason(self, variable: SessionVariable) -> str:
        of_key = [rule for rule in self.host.rules if rule.concerns(variable.name)]
        if not of_key:
            return "no rule sends its value to this host"
        if not any(rule.allows(self.head.method, self.head.path) for rule in of_key):
            return "its rule is for other methods or paths"
        return "no rule lets its value stand there"


def substitute_head(host: HostRules, head: RequestHead) -> Substituted:
    """Return the head of a request with values in it.

    Raises:
        Unfit: a placeholder may not stand where it stands
    """
    request = _Request(host, head)
    if not _mentions(host, head):
        return Substituted(head, ())
    headers = tuple((name, _filled_header(request, name, value)) for name, value in head.headers)
    target = _filled_target(request, head.target)
    return Substituted(RequestHead(head.method, target, headers), _keys(request))


def _keys(request: _Request) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key, _ in request.filled))


def _mentions(host: HostRules, head: RequestHead) -> bool:
    # most requests have no placeholder or one: all of the head is looked through at once
    texts = [head.target, unquote_to_bytes(head.target), *(value for _, value in head.headers)]
    texts += [decoded for _, value in head.headers if (decoded := _basic_credentials(value)) is not None]
    whole = b"\n".join(texts)
    return any(variable.placeholder in whole for variable in host.variables)


def _filled_header(request: _Request, name: bytes, value: bytes) -> bytes:
    if name == b"authorization" and value.startswith(_SIGNED):  # looked at in `signing`, which signs it again
        return value
    credentials = _basic_credentials(value) if name in (b"authorization", b"proxy-authorization") else None
    if credentials is not None:
        filled = request.fill(credentials, Place(PlaceKind.BASIC))
        return value if filled == credentials else value[:6] + base64.b64encode(filled)
    place = Place(PlaceKind.HEADER, name.decode("latin-1"))

    def checked(text: bytes) -> bytes:
        if _BREAKING.search(text):
            raise Unfit(_key_in(request, value), place.text, "its value has a line break, which no header can have")
        return text

    filled = request.fill(value, place, checked)
    if filled != value and filled != filled.strip(
        b" \t"
    ):  # a blank at an end is no part of a header's value (RFC 9110 §5.5)
        raise Unfit(_key_in(request, value), place.text, "its value begins or ends with a blank, which no header can")
    return filled


def _key_in(request: _Request, text: bytes) -> str:
    return next((variable.name for variable in request.host.variables if variable.placeholder in text), "")


def _basic_credentials(value: bytes) -> bytes | None:
    match = _BASIC.fullmatch(value)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4), altchars=b"-_" if b"_" in match[1] else None)
    except binascii.Error:
        return None


def _filled_target(request: _Request, target: bytes) -> bytes:
    path, question, query = target.partition(b"?")
    place = Place(PlaceKind.PATH)
    segments = [_filled_part(request, segment, place, IN_PATH) for segment in path.split(b"/")]
    return b"/".join(segments) + question + b"&".join(_filled_fields(request, query, PlaceKind.QUERY))


def _filled_fields(request: _Request, text: bytes, kind: PlaceKind) -> Iterator[bytes]:
    # of a query or a form: the names and values as they came, but for those with a placeholder
    for field in text.split(b"&"):
        name, equals, value = field.partition(b"=")
        place = Place(kind, _decoded(name).decode("latin-1"))
        if key := _key_in(request, _decoded(name)):
            raise Unfit(key, f"the name of a field of the {kind}", "no value may stand there")
        yield name + equals + _filled_part(request, value, place, "", plus=True)


def _filled_part(request: _Request, part: bytes, place: Place, safe: str, *, plus: bool = False) -> bytes:
    plain = _decoded(part) if plus else unquote_to_bytes(part)
    filled = request.fill(plain, place)
    return part if filled == plain else quote(filled, safe=safe).encode()


def _decoded(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))
