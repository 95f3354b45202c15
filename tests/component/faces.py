"""Callers of one uid that the rules tell apart: each gets the face of its own process."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from envfs.core.access.caller import Caller
from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment
from envfs.core.access.verdict import Decision, Verdict
from tests.component.world import Context, World

NOW = Moment("boot", 0.0, "2026-01-01T00:00:00.000000Z")


class ByProcess(Policy):
    """Rules that name one process each. Any other process gets nothing."""

    def __init__(self) -> None:
        super().__init__((), NOW)
        self.verdicts: dict[int, Verdict] = {}

    def decide(
        self, caller: Caller, _level: str, _seconds: float, _capability: Capability = Capability.READ
    ) -> Verdict:
        return self.verdicts.get(caller.pid, Verdict(Decision.DENY, "no grant"))

    def sees(self, caller: Caller, _level: str, _seconds: float) -> bool:
        return caller.pid in self.verdicts

    def show(self, context: Context, face: Face = PLAIN_FACE) -> None:
        """Let a process get one face from now on."""
        decision = Decision.MASK if face.masked else Decision.ALLOW
        self.verdicts[context.pid] = Verdict(decision, f"process {context.pid}", face)


@contextmanager
def processes(number: int) -> Iterator[list[Context]]:
    """Start processes that wait, to ask in their names."""
    children = [subprocess.Popen(["cat"], stdin=subprocess.PIPE) for _ in range(number)]
    try:
        yield [Context(pid=child.pid) for child in children]
    finally:
        for child in children:
            child.communicate()


def rules_by_process(world: World) -> ByProcess:
    """Let processes be told apart in a world from now on."""
    policy = ByProcess()
    world.open_vault.gate.policy = lambda: policy  # type: ignore[method-assign]
    return policy
