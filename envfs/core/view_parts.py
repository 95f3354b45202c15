"""The parts of a finished view, in the order in which they stand in its region (docs/protocol.md §3)."""

from enum import StrEnum


class Part(StrEnum):
    """The parts, in their order."""

    DOTENV = "dotenv"  # the text in the view's dialect
    JSON = "json"  # an object
    EXAMPLE = "example"  # dotenv text with the names alone
    ENVIRON = "environ"  # NAME=value, each ended by a NUL
    OPENED = "opened"  # for each variable that refers to its reader's environment: what is left of its template, JSON
    TABLE = "table"  # for each variable, by name: where its name starts in `environ`, where its value starts and ends
    ORIGINS = "origins"  # for each variable: its name, a NUL, the level that sets it, a NUL
    CANARIES = "canaries"  # the names of canaries whose true values are in the view, each behind a NUL, and a NUL
