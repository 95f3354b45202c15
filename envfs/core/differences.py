"""In what two views of one level differ, to a reader."""

from envfs.core.view_parts import Part
from envfs.tuples import NamedTuple


class Difference(NamedTuple):
    """In which parts a view reads otherwise than before, and whose values do. Both empty if it reads as before."""

    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()
