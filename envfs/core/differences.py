"""In what two views of one level differ, to a reader."""

from envfs.tuples import NamedTuple


class Difference(NamedTuple):
    """In which forms a view reads otherwise than before, and whose values do; both empty if it reads as before."""

    forms: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
