"""A petition: a program asks a person for a right to values, or to set one. It never gets a value by that.

Law: its names are those that the program itself wrote, and they are shown to the person like its reason.
"""

from enum import StrEnum
from typing import NamedTuple

from envfs.core.access.rule import RuleProcess


class PetitionKind(StrEnum):
    """The thing that is asked for."""

    READ = "read"  # a token by which the program's commands read these variables for a while
    SET = "set"  # that a person sets the variable


class Petition(NamedTuple):
    """A petition about variables. `token` is the SHA-256 of the token that is to count, which ends with `process`."""

    kind: PetitionKind
    names: tuple[str, ...]
    token: str = ""
    process: RuleProcess | None = None
