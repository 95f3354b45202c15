"""The words of a tool without the values that it was given.

Laws: a value is hidden as it is, and as tools write one: line by line, in JSON, in base64, in an address. Where a value
is too short to be told from other text, nothing of the words is shown.
"""

import base64
import json
import re
import urllib.parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HIDDEN = "••••••"
_SHORTEST = 4  # characters
_OF_GO = "<>&\u2028\u2029"  # escaped in JSON by programs in Go, as these tools are
_WITHHELD = "(not shown: a value is too short to be hidden in it)"


def hide_values(text: str, values: "Iterable[str]") -> str:
    """Return a text with signs in the place of each value."""
    texts = {form for value in values if value for form in _forms(value)}
    if any(len(form) < _SHORTEST and form in text for form in texts):
        return _WITHHELD
    for form in sorted(texts, key=len, reverse=True):
        text = text.replace(form, _HIDDEN)
    return text


def _forms(value: str) -> "Iterator[str]":
    lines = [line for line in map(str.strip, value.splitlines()) if len(line) >= _SHORTEST]
    for piece in {value, value.strip() or value, *lines}:
        yield piece
        for in_json in (json.dumps(piece)[1:-1], json.dumps(piece, ensure_ascii=False)[1:-1]):
            yield in_json
            yield in_json.replace("/", "\\/")
            yield "".join(f"\\u{ord(sign):04x}" if sign in _OF_GO else sign for sign in in_json)
        for encoded in (urllib.parse.quote(piece, safe=""), urllib.parse.quote(piece), urllib.parse.quote_plus(piece)):
            yield encoded
            yield re.sub("%..", lambda found: found[0].lower(), encoded)
        yield base64.b64encode(piece.encode()).decode().rstrip("=")
        yield base64.urlsafe_b64encode(piece.encode()).decode().rstrip("=")
