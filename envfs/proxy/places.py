"""The places of a request where a rule may have a value put in, and how a person writes them.

header          any header that says who asks: not cookie, host, referer and the like
header:NAME     that header
basic           the user or the password of `Authorization: Basic`
query           the value of any parameter of the query
query:NAME      of that parameter
path            a segment of the path
form:NAME       a field of a form in the body
json:PATH       a text in a JSON body, by names with dots between them
ws-text         a text message of a WebSocket
sigv4           the signature of a request to AWS, and the token beside it
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from envfs.errors import EnvFSError


class PlaceKind(StrEnum):
    """The kinds of places."""

    HEADER = "header"
    BASIC = "basic"
    QUERY = "query"
    PATH = "path"
    FORM = "form"
    JSON = "json"
    WS_TEXT = "ws-text"
    SIGV4 = "sigv4"


class Place(NamedTuple):
    """A place. Without a name, every one of its kind."""

    kind: PlaceKind
    name: str = ""

    @property
    def text(self) -> str:
        """Write it as a person does."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    def covers(self, other: "Place") -> bool:
        """Tell whether a value may be put in at another place by this one."""
        if self.kind is PlaceKind.HEADER and not self.name and other.kind is self.kind:
            return not is_of_connection(other.name) and other.name not in _TELLING_NOTHING
        if self.kind is PlaceKind.SIGV4:
            return other == _AWS_TOKEN
        return self.kind is other.kind and self.name in ("", other.name)

    @property
    def is_in_body(self) -> bool:
        """Tell whether the body has to be there as a whole."""
        return self.kind in _IN_BODY


SIGNED: Final = Place(PlaceKind.SIGV4)
IN_MESSAGES: Final = Place(PlaceKind.WS_TEXT)
_AWS_TOKEN: Final = Place(PlaceKind.HEADER, "x-amz-security-token")
_IN_BODY: Final = (PlaceKind.FORM, PlaceKind.JSON)
_NAMELESS: Final = (PlaceKind.BASIC, PlaceKind.PATH, PlaceKind.SIGV4, PlaceKind.WS_TEXT)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)  # RFC 9110 §5.6.2
_TELLING_NOTHING: Final = frozenset(
    ("cookie", "forwarded", "from", "origin", "referer", "user-agent", "via", "accept", "content-type", "date", "range")
)
_OF_CONNECTION: Final = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
HINT: Final = "places are header, header:NAME, basic, query, query:NAME, path, form:NAME, json:PATH, ws-text, sigv4"


def is_of_connection(header: str) -> bool:
    """Tell whether a header (in lower case) is about the connection and not about the request."""
    return header in _OF_CONNECTION or header.startswith(("proxy-", "x-forwarded-"))


def parse_place(text: str) -> Place:
    """Read a place as a person writes it.

    Raises:
        EnvFSError: it is none, or one where no value may stand
    """
    word, colon, name = text.partition(":")
    if word not in tuple(PlaceKind) or bool(colon) != bool(name):
        raise EnvFSError(f"there is no place {text!r}", HINT)
    kind = PlaceKind(word)
    if (kind in _NAMELESS and name) or (kind in _IN_BODY and not name):
        raise EnvFSError(f"there is no place {text!r}", HINT)
    if kind is PlaceKind.HEADER and name:
        name = name.lower()
        if not _TOKEN.fullmatch(name) or is_of_connection(name):
            raise EnvFSError(f"no value may stand in the header {name!r}", HINT)
    return Place(kind, name)
