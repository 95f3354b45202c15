"""An `open` that waits for a person.

Before an answer a caller sees that a level's texts are there, and nothing of them: each look-up is an inode of its own
without a size. The open waits, and is then sent back to the name (ESTALE), which by now stands for the true file.

Laws: only the open of a level's text waits. To look, to list and to describe ask nobody, and never wait. A caller for
whom a signal waits is let go with EINTR.
"""

import errno
from functools import partial
from typing import Self

from pyfuse3 import FUSEError

from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision
from envfs.core.access_request import AccessRequest
from envfs.fuse import loop
from envfs.fuse.nodes import FILES, Node
from envfs.gate.approvals.board import CallerLeft, Patience
from envfs.gate.gate import Gate
from envfs.host.callers import lineages, pending_signals

_TEXTS = frozenset(FILES.values())


class Unanswered(FUSEError):
    """EACCES for a node that a caller gets once a person said yes."""

    node: Node

    def __new__(cls, node: Node) -> Self:
        """Refuse `node`."""
        self = super().__new__(cls, errno.EACCES)  # what FUSEError is made of has to come here
        self.node = node
        return self

    def __init__(self, node: Node) -> None:
        """Refuse `node`."""


def is_askable(node: Node) -> bool:
    """Tell whether the open of a node waits for a person: that of a level's text, as it is now."""
    return node.kind in _TEXTS and not node.version


def may_ask(gate: Gate, node: Node, caller: Caller) -> bool:
    """Tell whether a caller gets a node once a person said yes."""
    return is_askable(node) and gate.decide(caller, node.level, node.capability).decision is Decision.ASK


async def wait_for_person(gate: Gate, caller: Caller, request: AccessRequest) -> None:
    """Wait until a person has decided, where one has to. EINTR for a caller that waits no more."""
    loop.make_way()
    patience = Patience(partial(pending_signals.is_interrupted, caller.pid), partial(lineages.reason_of, caller.pid))
    try:
        await gate.ask(caller, request, patience)
    except CallerLeft:
        raise FUSEError(errno.EINTR) from None
