"""The unlocked scopes, and the end of each."""

import math
from collections import Counter
from collections.abc import Callable

import trio

from envfs.core.names import Project
from envfs.core.scope import VAULT, Scope
from envfs.host import clocks

_LONGEST_WAIT, _TRIES_THAT_COUNT = 30.0, 10


class Locks:
    """The state of the locks as the daemon knows it. The keyholder's own state is what counts."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """Start with everything locked. `tell` hears of each change."""
        self._tell = tell
        self._unlocked = False
        self.turn = trio.Lock()
        self.closed: set[Scope] = set()
        self._until: dict[Scope, float] = {}
        self._locked: Counter[Scope] = Counter()
        self._wrong: Counter[Scope] = Counter()

    @property
    def unlocked(self) -> bool:
        """Whether the keyholder has the identity."""
        return self._unlocked

    @unlocked.setter
    def unlocked(self, value: bool) -> None:
        self._unlocked = value
        self._tell()

    def opened(self, scope: Scope, seconds: int) -> None:
        """Remember that a scope was unlocked, for `seconds` or (0) without end."""
        self._until[scope] = clocks.boot_seconds() + seconds if seconds else math.inf
        self.closed.discard(scope)
        self._tell()

    def locked(self, scope: Scope, *, closed: bool = False) -> None:
        """Remember that a scope was locked. `closed`: though the identity could open it."""
        self._locked[scope] += 1
        self._until.pop(scope, None)
        if closed:
            self.closed.add(scope)
        if scope == VAULT:
            self.lost()
        self._tell()

    def lost(self) -> None:
        """Remember that the keyholder ended: nothing is held any more."""
        self._until.clear()
        self.unlocked = False

    def times_locked(self, scope: Scope) -> int:
        """Return how often a scope alone was locked."""
        return self._locked[scope]

    def is_held(self, project: Project) -> bool:
        """Tell whether a project's keys were given with a passphrase."""
        return Scope(project) in self._until

    def due(self) -> list[Scope]:
        """List the scopes whose time is over."""
        now = clocks.boot_seconds()
        return [scope for scope, until in self._until.items() if now >= until]

    # -- wrong passphrases, counted for each that can be guessed -------------------------------------------------------

    def wrong(self, scope: Scope) -> None:
        """Count a wrong passphrase of a scope."""
        self._wrong[scope] += 1

    def right(self, scope: Scope) -> None:
        """Count from none again."""
        del self._wrong[scope]

    def wait(self, scope: Scope) -> float:
        """Return for how many seconds the next try waits."""
        return min(2.0 ** min(self._wrong[scope], _TRIES_THAT_COUNT) - 1, _LONGEST_WAIT)
