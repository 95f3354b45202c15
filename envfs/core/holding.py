"""How a live process has a value that it, or a process above it, was given."""

from enum import StrEnum


class HoldKind(StrEnum):
    """The ways, the surest first."""

    OPEN = "open"  # it was given the value, and has the file open
    READ = "read"  # it was given the value
    INHERITED = "inherited"  # it descends from the command of an `exec`, whose environment has the value
    REPLACED = "replaced"  # it was given the value, and runs another program since
    DESCENDS = "descends"  # it descends from a process that had been given the value, and may have it from that
    ORPHAN = "orphan"  # the processes above it have ended, and it may be one of those that were given the value
    UNCLEAR = "unclear"  # its entry does not say which variables it was given
