"""Two changes of one text merged, variable by variable: mine, made of the text before, into theirs.

Laws: a variable that one side alone changed has that side's value. One that both changed, and not to the same, has
theirs, and is named. Where theirs reads as the text before did, the result is mine to the letter.
"""

from typing import NamedTuple

from envfs.dotenv import canaries, directives
from envfs.dotenv.document import Document, assignment_meaning

_Meaning = tuple[str | None, bool, tuple[int, ...]]


class Merged(NamedTuple):
    """A merged text. `names` are the variables of which theirs stayed.

    With `comments` both sides changed more than variables, and the comments of mine were left out.
    """

    document: Document
    names: tuple[str, ...] = ()
    comments: bool = False


def merge_three(base: Document, mine: Document, theirs: Document, *, forced: tuple[str, ...] = ()) -> Merged:
    """Merge. Of the variables in `forced` mine counts, whatever theirs is."""
    if theirs.render() == base.render():
        return Merged(mine)
    before, my, their = _meanings(base), _meanings(mine), _meanings(theirs)
    changed = [name for name in {**my, **before} if my.get(name) != before.get(name) or name in forced]
    names = tuple(
        name for name in changed if name not in forced and their.get(name) not in (before.get(name), my.get(name))
    )
    taken = [name for name in changed if name not in names and my.get(name) != their.get(name)]
    if _only_variables(base, mine, my, before):
        return Merged(_with_variables(theirs, mine, taken), names)
    others = [name for name in {**their, **before} if their.get(name) != before.get(name) and name not in forced]
    if _only_variables(base, theirs, their, before):
        return Merged(_with_variables(mine, theirs, others), names)
    return Merged(_with_variables(theirs, mine, taken), names, comments=True)


def _only_variables(base: Document, text: Document, its: dict[str, _Meaning], before: dict[str, _Meaning]) -> bool:
    # the order of lines is nobody's work that could be lost
    same = {name for name in its if its[name] == before.get(name)}
    return _surroundings(base, same) == _surroundings(text, same)


def _surroundings(document: Document, names: set[str]) -> tuple[str, dict[str, str]]:
    # comments, and those lines of variables that have the same value on both sides
    comments = "".join(entry.raw for entry in document.entries if entry.name is None)
    return comments, {entry.name: entry.raw for entry in document.entries if entry.name in names and entry.name}


def _with_variables(document: Document, source: Document, names: list[str]) -> Document:
    present, there = document.variables(), source.variables()
    new = document.merged(Document(tuple(entry for entry in source.entries if entry.name in names)))
    marked = canaries.marked_names(source)
    for name in names:
        if name in there:
            new = canaries.with_mark(new, name) if name in marked else new
        elif name in present:
            new = canaries.without_mark(directives.without_directives(new, (name,)).unset(name), name)
    added = frozenset(names).intersection(there) - present.keys()
    if added and directives.has_directives(source.render()):
        lines = directives.directive_lines(source)
        new = directives.with_directive_lines(new, {name: text for name, text in lines.items() if name in added})
    return new


def _meanings(document: Document) -> dict[str, _Meaning]:
    return {entry.name: assignment_meaning(entry) for entry in document.entries if entry.name is not None}
