"""Capabilities: the things that a rule can let a caller do, and the sets of them that have names.

The owner, which is the daemon's own uid, may do all that a request can ask for without any rule, except for one thing:
like everybody it reads values by a rule.
"""

from enum import StrEnum
from typing import Final


class Capability(StrEnum):
    """The things that a rule can let a caller do at its level and below."""

    READ = "read"  # values
    NAMES = "names"  # the names of variables
    WRITE = "write"
    HISTORY = "history"
    LOG = "log"
    APPROVE = "approve"
    GRANT = "grant"
    ADMIN = "admin"


ALL: Final = frozenset(Capability)
VIEWER: Final = frozenset((Capability.NAMES,))
READER: Final = frozenset((Capability.READ, Capability.NAMES, Capability.HISTORY))
WRITER: Final = READER | {Capability.WRITE}
AUDITOR: Final = frozenset((Capability.HISTORY, Capability.LOG))
APPROVER: Final = frozenset((Capability.APPROVE,))
NAMED_SETS: Final = {
    "viewer": VIEWER,
    "reader": READER,
    "writer": WRITER,
    "auditor": AUDITOR,
    "approver": APPROVER,
    "admin": ALL,
}
