"""What is unlocked, and until when. Names of scopes: empty for the vault, `/shop` for a project."""

import math

import trio

from envfs.host import clocks

_LONGEST_WAIT, _TRIES_THAT_COUNT = 30.0, 10


class Locks:
    """The state of the locks as the daemon knows it; the keyholder's own state is what counts."""

    def __init__(self) -> None:
        """Start with everything locked."""
        self.unlocked = False
        self.count = 0
        self.turn = trio.Lock()
        self.wrong_tries = 0
        self.closed: set[str] = set()
        self._until: dict[str, float] = {}

    def opened(self, scope: str, seconds: int) -> None:
        """Remember that a scope was unlocked, for `seconds` or (0) without end."""
        self.wrong_tries = 0
        self._until[scope] = clocks.boot_seconds() + seconds if seconds else math.inf
        if scope:
            self.closed.discard(scope)
        else:
            self.unlocked = True
            self.closed.clear()

    def locked(self, scope: str, *, closed: bool = False) -> None:
        """Remember that a scope was locked; `closed`: though the identity could open it."""
        self.count += 1
        self._until.pop(scope, None)
        if closed:
            self.closed.add(scope)
        if not scope:
            self.lost()

    def lost(self) -> None:
        """Remember that the keyholder ended: nothing is held any more."""
        self.unlocked = False
        self._until.clear()

    def is_held(self, project: str) -> bool:
        """Tell whether a project's keys were given with a passphrase."""
        return project in self._until

    def due(self) -> list[str]:
        """List the scopes whose time is over."""
        now = clocks.boot_seconds()
        return [scope for scope, until in self._until.items() if now >= until]

    def wait(self) -> float:
        """Return for how many seconds the next try waits."""
        return min(2.0 ** min(self.wrong_tries, _TRIES_THAT_COUNT) - 1, _LONGEST_WAIT)
