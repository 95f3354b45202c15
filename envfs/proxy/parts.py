"""Parts of a response (RFC 9110 §14): a part may begin or end within a value, which nobody would find in it.

Law: where responses are looked through, a host is asked for the whole, and a part is not passed on. A host is free to
answer with the whole, so clients take it.
"""

from collections.abc import Sequence
from typing import Final

from envfs.proxy.places import SIGNED
from envfs.proxy.variables import HostRules

Headers = Sequence[tuple[bytes, bytes]]
_ASKING: Final = frozenset((b"range", b"if-range", b"request-range", b"x-ms-range", b"a-im"))
_OFFERING: Final = frozenset((b"accept-ranges", b"im"))
_PARTIAL: Final = (206, 226)  # a range, and what was changed since another version (RFC 3229)


def may_be_cut(host: HostRules) -> bool:
    """Tell whether a host may send parts: one that gets signatures alone has no value that a part could hold."""
    return all(place == SIGNED for rule in host.rules for place in rule.places)


def without_ranges(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request but for those that ask for a part."""
    return [pair for pair in headers if pair[0] not in _ASKING]


def without_offers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response but for those that offer parts."""
    return [pair for pair in headers if pair[0] not in _OFFERING]


def is_partial(status: int) -> bool:
    """Tell whether a response is a part of one."""
    return status in _PARTIAL
