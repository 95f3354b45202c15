"""The next of the waiting: one user after the other, and of each user one process after the other.

So a thousand requests of one user are one request to another user, and those of one program are one to the user's own
other programs. Within a process the first to come is the first.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")


class Asker(NamedTuple):
    """Which process of which user asks. 0 is a process without a number here."""

    uid: int
    pid: int = 0


THE_DAEMON = Asker(-1)  # who asks where no user does


class Tally:
    """How many of something each user (by uid) and each process has; who has none is forgotten."""

    def __init__(self) -> None:
        """Start with none."""
        self._of: dict[int | Asker, int] = {}

    def __getitem__(self, who: int | Asker) -> int:
        """Return how many a user, or a process, has."""
        return self._of.get(who, 0)

    def __len__(self) -> int:
        """Return how many users and processes have any."""
        return len(self._of)

    def add(self, asker: Asker, number: int) -> None:
        """Count `number` more for a process and its user. Less, if it is negative."""
        for who in (asker, asker.uid):
            self._of[who] = self[who] + number
            if not self._of[who]:
                del self._of[who]


class FairQueue(Generic[Item]):
    """Items that wait, by who asks. The user, and the user's process, whose turn is next come first."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._users: dict[int, dict[int, deque[Item]]] = {}
        self.waiting = Tally()

    def add(self, asker: Asker, item: Item) -> None:
        """Let an item wait behind those of the same process."""
        self._users.setdefault(asker.uid, {}).setdefault(asker.pid, deque()).append(item)
        self.waiting.add(asker, 1)

    def remove(self, asker: Asker, item: Item) -> None:
        """Take out an item that waits no more."""
        self._users[asker.uid][asker.pid].remove(item)
        self._leave(asker, to_the_end=False)

    def take(self, may: Callable[[Asker], bool] = lambda _asker: True) -> tuple[Asker, Item] | None:
        """Take the next item of those who may be next, or None. The others of the same user are last from now on."""
        for uid, processes in self._users.items():
            for pid, items in processes.items():
                asker = Asker(uid, pid)
                if may(asker):
                    item = items.popleft()
                    self._leave(asker, to_the_end=True)
                    return asker, item
        return None

    def _leave(self, asker: Asker, *, to_the_end: bool) -> None:
        self.waiting.add(asker, -1)
        processes = self._users[asker.uid]
        _settle(processes, asker.pid, to_the_end=to_the_end)
        _settle(self._users, asker.uid, to_the_end=to_the_end)


Key = TypeVar("Key")
Queue = TypeVar("Queue", bound=deque | dict)  # type: ignore[type-arg]


def _settle(queues: dict[Key, Queue], key: Key, *, to_the_end: bool) -> None:
    if not queues[key]:
        del queues[key]
    elif to_the_end:
        queues[key] = queues.pop(key)
