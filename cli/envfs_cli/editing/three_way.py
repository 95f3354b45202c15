"""A text that a person edits while somebody else writes: what the other one changed is taken in, variable by variable.

Laws: a variable that only one of the two changed is as that one left it. One that both changed, each in another way, is
the person's, and is named. Comments, order and quotes are those of the person's text. Pure: texts in, a text out.
"""

from envfs.dotenv.document import Document, assignment_meaning, parse_document
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    Meanings = dict[str, object]  # of the assignments, by name


class MergedEdit(NamedTuple):
    """The person's text with the changes of others in it: the names that were taken in, and those that both changed."""

    text: str
    taken: tuple[str, ...]
    conflicts: tuple[str, ...]


def merge_edits(base: str, mine: str, theirs: str) -> MergedEdit:
    """Merge two texts that were made of `base`.

    Raises:
        Malformed, TooLarge: one of them does not read, or they are too long together
    """
    document, other = parse_document(mine), parse_document(theirs)
    before, own, new = (_meanings(part) for part in (parse_document(base), document, other))
    changed = [name for name in {**before, **new} if before.get(name) != new.get(name)]
    taken = tuple(name for name in changed if own.get(name) == before.get(name))
    conflicts = tuple(name for name in changed if name not in taken and own.get(name) != new.get(name))
    document = document.merged(Document(tuple(entry for entry in other.entries if entry.name in taken)))
    for name in taken:
        if name not in new and name in own:
            document = document.unset(name)
    return MergedEdit(document.render(), taken, conflicts)


def _meanings(document: Document) -> "Meanings":
    return {entry.name: assignment_meaning(entry) for entry in document.entries if entry.name is not None}
