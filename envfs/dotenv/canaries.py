r"""Canaries: variables that no program needs, so that whoever reads one gives itself away.

A level's text marks one with `# @canary NAME` on a line of its own. Laws: the mark counts for assignments of that name
in the same text alone. A value that is made of a canary's is one too. No reader of a view sees the mark.
"""

import re
from collections.abc import Iterator, Sequence

from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.merging import Layer, MergedView, sources_of
from envfs.dotenv.scanner import BOM, Entry

_MARK = re.compile(r"^(\ufeff?[ \t]*#[ \t]*@canary[ \t]+)(\S+)(?=[ \t]*\r?$)", re.MULTILINE)
_WORD = "@canary"


def marked_names(document: Document) -> frozenset[str]:
    """Return the names that a text marks, whether it sets them or not."""
    return frozenset(mark[2] for entry in _comments(document) for mark in _MARK.finditer(entry.raw))


def canary_names(layers: Sequence[Layer], view: MergedView) -> tuple[str, ...]:
    """Return the names in a view whose true value is a canary's, or is made of one's."""
    marked = [marked_names(layer.document) for layer in layers]
    if not any(marked):
        return ()
    return tuple(
        name
        for name in view.variables
        if any(
            layers[source.layer].document.entries[source.place].name in marked[source.layer]
            for source in sources_of(view, name)
        )
    )


def own_canaries(document: Document) -> tuple[str, ...]:
    """Return the names that a text marks and sets."""
    marked = marked_names(document)
    return tuple(name for name in document.variables() if name in marked) if marked else ()


def with_mark(document: Document, name: str) -> Document:
    """Return a text that marks a variable, in the line above its last assignment."""
    if name in marked_names(document):
        return document
    place = max(at for at, entry in enumerate(document.entries) if entry.name == name)
    raws = [entry.raw for entry in document.entries]
    start = BOM if raws[place].startswith(BOM) else ""
    end = "\r\n" if "\r\n" in "".join(raws) else "\n"
    raws[place] = f"{start}# {_WORD} {name}{end}{raws[place].removeprefix(BOM)}"
    return parse_document("".join(raws))


def without_mark(document: Document, name: str) -> Document:
    """Return a text in which a variable is not marked. Lines that held nothing but the mark are gone."""
    return _changed(document, name, "")


def with_mark_renamed(document: Document, name: str, new_name: str) -> Document:
    """Return a text whose mark of a variable is that of another name."""
    return _changed(document, name, new_name)


def _changed(document: Document, name: str, new_name: str) -> Document:
    if name not in marked_names(document):
        return document
    return parse_document("".join(_changed_raw(entry, name, new_name) for entry in document.entries))


def _changed_raw(entry: Entry, name: str, new_name: str) -> str:
    if entry.name is not None or _WORD not in entry.raw:
        return entry.raw
    lines = entry.raw.splitlines(keepends=True)
    return "".join(_changed_line(line, name, new_name) for line in lines)


def _changed_line(line: str, name: str, new_name: str) -> str:
    mark = _MARK.match(line)
    if mark is None or mark[2] != name:
        return line
    if new_name:
        return f"{mark[1]}{new_name}{line[mark.end() :]}"
    return BOM if line.startswith(BOM) else ""


def _comments(document: Document) -> Iterator[Entry]:
    return (entry for entry in document.entries if entry.name is None and _WORD in entry.raw)
