"""The acts of a vault's daemon that its sharing asks for."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from envfs.service.sharing.waiting import WaitingVersion

Accept = Callable[[str, int], None]  # takes note that a person takes a level at a version for the truth


class Taken(NamedTuple):
    """A level that has other text now, and its newest record before that: number and digest."""

    level: str
    seq: int
    digest: str


class VaultUser(NamedTuple):
    """The acts.

    `tell` is told of texts that came, `rebase` merges a version that waited, and `accept` takes note of versions that
    count from now on.
    """

    tell: Callable[[Taken], None]
    rebase: Callable[[WaitingVersion], Awaitable[object]]
    accept: Accept
