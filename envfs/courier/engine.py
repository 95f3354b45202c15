"""The verbs of an engine: six over keys and sealed bytes, one of them a hint that something came.

Laws, and each engine passes one suite of tests for them:

- A key is written once. Of two writers of one key exactly one is told True, and what they wrote is whole or not there.
- When `put_new` returns True, the bytes survive a power cut of the engine, as far as the engine keeps its own promise.
- An engine is asked for the numbers of a stream, and never for what is newest in time. So clocks mean nothing.
- A hint may come twice, late, or for nothing. After a lost connection there is one for everything.
- Each fault is StoreUnavailable, in bounded time, and can be tried again without harm.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

EVERYTHING = ""  # the hint that anything may have come


class Engine(Protocol):
    """Keys are those of a store (docs/format.md, 3). `stream` is a key up to its last slash."""

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start with one of `prefixes`.

        So `level/shop/` is a project's texts, `level/@` those of level `/` alone. `vault.toml` is in no stream.
        """
        ...

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        ...

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there, in one turn as far as the engine can.

        A key may be listed whose record is not there, or not whole: then it is not given, and the others are.
        """
        ...

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is."""
        ...

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none. The key stays taken.

        Raises:
            NotApproved: this member may add and not take away, as most
        """
        ...

    def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        """Yield streams that may have grown, or EVERYTHING, as long as it is iterated. The first is EVERYTHING.

        `prefixes` are as for `heads`. Hints about other streams are not sent, as far as the engine can leave them out.
        """
        ...

    @property
    def late(self) -> str:
        """Return why hints come late, or not at all, as a person has to know. Empty while they come at once."""
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...
