"""A request of a proxy's session that waits for a person, as it is shown.

Laws: it is the text of the client, with placeholders, and so holds no value. It holds nothing that a yes leaves open.
"""

from collections.abc import Iterator
from typing import NamedTuple


class ForwardedRequest(NamedTuple):
    """A request to a host: by which rule, method, host and path (without its query).

    A yes to one with a `nonce` is for that request alone. Then `query` and `media` (the type of the body) are there,
    and `digest` and `size` of the body: its SHA-256 in hexadecimal, and its bytes. Without a nonce a yes is for all of
    the session `session` with the same method, host and path.
    """

    session: str
    rule: str
    method: str
    host: str
    path: str
    query: str = ""
    media: str = ""
    digest: str = ""
    size: int = 0
    nonce: str = ""

    @property
    def url(self) -> str:
        """Its address, as a person reads it."""
        return f"https://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    def texts(self) -> Iterator[str]:
        """Iterate over the texts that a client chose."""
        yield from (self.method, self.host, self.path, self.query, self.media)
