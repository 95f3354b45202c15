"""The request that looks for the values of levels in a text from outside.

Laws: the values stay in this process. The answer has names, and places in a text that the caller has anyhow. A level
that does not open is named, and the others are searched.
"""

import mmap
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from envfs.core import names
from envfs.dotenv.document import Document
from envfs.dotenv.interpolation import interpolate
from envfs.dotenv.references import has_references
from envfs.errors import EnvFSError, Locked, Malformed, TooLarge
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.keyholder.scanning.matching import Match, Matcher, SoughtText
from envfs.keyholder.scanning.telling_values import is_long, looked_for
from envfs.keyholder.scanning.written_forms import written_forms
from envfs.protocol.keyholding import Carrier, Leak, ScanText, TextScanned, Unopened

_MOST_LEAKS = 4096


class _Variable(NamedTuple):
    layer: int
    name: str
    value: str


def scan_text(request: ScanText, work: Work) -> WorkResult:
    """Say where in a text values of levels stand."""
    documents, unopened = _open_all(request, work)
    sought = _Sought(request.everything)
    for variable in _variables(request, documents):
        sought.add(variable)
    leaks, more = _leaks(sought, request, work)
    counts = len(sought.carriers), sought.ordinary, sought.short
    return WorkResult(TextScanned(tuple(leaks), more, *counts, unopened))


class _Sought:
    """The texts that are looked for, and what was left out."""

    def __init__(self, everything: bool) -> None:
        self._everything = everything
        self.carriers: dict[str, list[Carrier]] = {}
        self.ordinary = self.short = 0

    def add(self, variable: _Variable) -> None:
        texts = looked_for(variable.name, variable.value, everything=self._everything)
        for text in texts:
            self.carriers.setdefault(text, []).append(Carrier(variable.layer, variable.name))
        self.short += not texts and not is_long(variable.value)
        self.ordinary += not texts and is_long(variable.value)

    def matcher(self) -> Matcher:
        forms = ((owner, form) for owner, text in enumerate(self.carriers) for form in written_forms(text))
        return Matcher(SoughtText(owner, form) for owner, form in forms)


def _leaks(sought: _Sought, request: ScanText, work: Work) -> tuple[list[Leak], bool]:
    if not request.size:
        return [], False
    owners = list(sought.carriers.values())
    with (
        mmap.mmap(work.descriptors[0], request.size, prot=mmap.PROT_READ) as mapped,
        memoryview(mapped) as text,
    ):
        result = sought.matcher().search(text)
    matches = sorted(_first_of_each(result.matches)[:_MOST_LEAKS])
    leaks = [Leak(match.start, tuple(owners[match.owner]), match.form) for match in matches]
    return leaks, result.more or len(result.matches) > _MOST_LEAKS


def _first_of_each(matches: list[Match]) -> list[Match]:
    # the first place of each value, then the second one of each
    counts: Counter[int] = Counter()
    ranked = []
    for match in matches:
        ranked.append((counts[match.owner], match))
        counts[match.owner] += 1
    return [match for _, match in sorted(ranked)]


def _open_all(request: ScanText, work: Work) -> tuple[dict[int, Document], tuple[Unopened, ...]]:
    documents: dict[int, Document] = {}
    unopened = []
    for number, layer in enumerate(request.layers):
        try:
            documents[number] = work.open(layer)
        except Locked as error:
            if not error.about:
                raise  # the vault is: the caller may be able to open it
            unopened.append(Unopened(number, error.text, is_locked=True))
        except EnvFSError as error:
            unopened.append(Unopened(number, error.text))
    return documents, tuple(unopened)


def _variables(request: ScanText, documents: dict[int, Document]) -> Iterator[_Variable]:
    by_level = {request.layers[number].level: document for number, document in documents.items()}
    for number, document in documents.items():
        for name, value in _values(request.layers[number].level, document, by_level).items():
            yield _Variable(number, name, value)


def _values(level: str, document: Document, by_level: dict[str, Document]) -> dict[str, str]:
    # as a reader gets them, as far as levels above are there
    values = document.variables()
    if any(entry.name is not None and has_references(entry) for entry in document.entries):
        with suppress(Malformed, TooLarge):
            view = interpolate([by_level[each] for each in names.chain(level) if each in by_level], lenient=True)
            return {name: view.values.get(name, value) for name, value in values.items()}
    return values
