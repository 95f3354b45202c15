"""A decision, and all that follows from it."""

from enum import StrEnum
from typing import NamedTuple

from envfs.core.access.face import PLAIN_FACE, Face


class Decision(StrEnum):
    """Whether a caller may have what it asks for."""

    ALLOW = "allow"
    MASK = "mask"  # the names, with placeholders where the values are
    ASK = "ask"  # a person decides while the caller waits
    DENY = "deny"


_ALLOW, _MASK = Decision.ALLOW, Decision.MASK


class Verdict(NamedTuple):
    """A decision, the rule behind it, and the face of the level for this caller.

    `rule` is for the access log and for people: the id of the rule and a short text, or why there is none.
    """

    decision: Decision
    rule: str
    face: Face = PLAIN_FACE

    @property
    def has_values(self) -> bool:
        """Tell whether the caller gets every value."""
        return self.decision is _ALLOW and self.face.is_whole

    @property
    def is_served(self) -> bool:
        """Tell whether the caller gets something at once: the values, or placeholders."""
        return self.decision is _ALLOW or self.decision is _MASK
