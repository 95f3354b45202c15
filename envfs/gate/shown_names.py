"""Facts, changes and errors without the names that a caller's face does not show (`Face.only`)."""

from collections.abc import Iterator
from contextlib import contextmanager

from envfs.core.access.face import Face
from envfs.errors import Malformed, TooLarge
from envfs.protocol.answers import Dangling, Examined, Facts, VersionChange


@contextmanager
def hiding_names(face: Face, level: str) -> Iterator[None]:
    """Raise what is wrong with a view without the variables that it is wrong with, where the face does not show all.

    Raises:
        Malformed, TooLarge: as the block does
    """
    try:
        yield
    except (Malformed, TooLarge) as error:
        if not face.only:
            raise
        raise type(error)(f"a variable of {level} cannot be shown, so none can", "ask the owner") from None


def shown_facts(examined: Examined, face: Face) -> Examined:
    """Return the facts that fit a face: those about its variables; of others, not even that one refers to them.

    For one with placeholders without columns: they say how long the parts of a value are.
    """
    if face.masked:
        examined = _without_columns(examined)
    if not face.only:
        return examined
    variables = tuple(_shown_uses(facts, face) for facts in examined.variables if face.shows(facts.name))
    return Examined(variables, tuple(dangling for dangling in examined.dangling if _is_shown(dangling, face)))


def _without_columns(examined: Examined) -> Examined:
    variables = (
        facts._replace(uses=tuple(use._replace(column=0) for use in facts.uses)) for facts in examined.variables
    )
    dangling = (each._replace(column=0) for each in examined.dangling)
    return examined._replace(variables=tuple(variables), dangling=tuple(dangling))


def names_alone(examined: Examined) -> Examined:
    """Return the names, and where they are set. References and emptiness say something of a value."""
    variables = (Facts(facts.name, facts.levels, (), empty=False, doubts=()) for facts in examined.variables)
    return Examined(tuple(variables), ())


def shown_change(change: VersionChange, face: Face) -> VersionChange:
    """Return a version's change with the names that a face shows. Its message may name others, so it is left out."""
    if not face.only:
        return change
    added, changed, removed = (
        tuple(filter(face.shows, names)) for names in (change.added, change.changed, change.removed)
    )
    renamed = tuple(pair for pair in change.renamed if all(map(face.shows, pair)))
    return change._replace(added=added, changed=changed, removed=removed, renamed=renamed, message="")


def _shown_uses(facts: Facts, face: Face) -> Facts:
    return facts._replace(uses=tuple(use for use in facts.uses if face.shows(use.name)))


def _is_shown(dangling: Dangling, face: Face) -> bool:
    return all(map(face.shows, dangling.chain))
