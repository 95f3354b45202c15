"""The request that searches texts for variables, by their names or by a value.

Law: a value is compared here, and nothing of it is answered.
"""

import fnmatch
from collections.abc import Iterator

from envfs.core import limits
from envfs.core.finding import FindingKind
from envfs.core.line_ends import without_line_end
from envfs.dotenv.document import Document
from envfs.errors import Malformed
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import Found, Hit, SearchTexts

_SHORTEST = 8  # characters. A shorter value stands in too much by chance


def search_texts(request: SearchTexts, work: Work) -> WorkResult:
    """Say in which texts a variable is set, or a value stands.

    Raises:
        Malformed: the value is empty
    """
    value = _value(request, work) if request.by_value else ""
    hits = (
        Hit(number, name, kind)
        for number, layer in enumerate(request.layers)
        for name, kind in findings(work.open(layer), request.pattern, value if request.by_value else None)
    )
    return WorkResult(Found(tuple(hits)))


def _value(request: SearchTexts, work: Work) -> str:
    text = work.read_text(0, limits.VALUE_BYTES, "the value", limits.LINE_END_BYTES * request.trim)
    value = without_line_end(text) if request.trim else text
    if not value:
        raise Malformed("the value to search for is empty")
    return value


def findings(document: Document, pattern: str, value: str | None) -> Iterator[tuple[str, FindingKind]]:
    """Yield the variables of a text whose name fits a pattern and that have, if it is given, a value, and how."""
    for name, own in document.variables().items():
        kind = FindingKind.SET if value is None else _kind(own, value)
        if kind is not None and fnmatch.fnmatchcase(name, pattern):
            yield name, kind
    comments = (entry.raw for entry in document.entries if entry.name is None)
    if value is not None and len(value) >= _SHORTEST and any(value in comment for comment in comments):
        yield "", FindingKind.COMMENT


def _kind(own: str, value: str) -> FindingKind | None:
    if own == value:
        return FindingKind.SAME
    return FindingKind.WITHIN if len(value) >= _SHORTEST and value in own else None
