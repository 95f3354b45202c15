"""The ways in which a variable, or a value, is found in a level's text."""

from enum import StrEnum


class FindingKind(StrEnum):
    """How it is there."""

    SET = "set"  # the variable is set
    SAME = "same"  # its value is the one that was searched for
    WITHIN = "within"  # that value stands in its value
    COMMENT = "comment"  # that value stands in a comment
