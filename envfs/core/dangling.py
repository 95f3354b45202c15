"""The kinds of references that come to nothing."""

from enum import StrEnum


class DanglingKind(StrEnum):
    """Why a reference comes to nothing."""

    UNDEFINED = "undefined"  # no text sets the name
    LATER = "later"  # the name is set, but further down in the same text
    CYCLE = "cycle"  # the name leads back to itself
