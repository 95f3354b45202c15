"""Where sealed bytes rest. A store knows keys and bytes. No secret and no meaning ever comes here.

May import: host and below.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol


class Watch(Protocol):
    """Tells whether what it watches may have changed since it was last asked."""

    def changed(self) -> bool:
        """Return True once for each change, and whenever it cannot be sure. Never waits."""
        ...


class Store(Protocol):
    """Six verbs, the same for a folder and for a server. Keys are `/`-separated, without a leading slash.

    Every verb raises StoreUnavailable when the store cannot be read or written.
    """

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None."""
        ...

    def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is.

        When this returns True the bytes survive a power cut.
        """
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with `prefix`, in order."""
        ...

    def watch(self, prefix: str) -> Watch:
        """Watch a folder (keys that come and go directly under it) or one key (its bytes)."""
        ...

    def delete(self, *keys: str) -> None:
        """Forget the bytes under keys. Each stays taken, with nothing under it. One that is not there is no error.

        Only for what must not be readable any more. When this returns the bytes are gone from the store.
        """
        ...

    def remove(self, key: str) -> None:
        """Take a key away. It may be taken again. One that is not there is no error.

        Only for what is not needed any more. When this returns it stays away, after a power cut too.
        """
        ...


class BulkStore(Store, Protocol):
    """A store that takes many records at once."""

    def put_all(self, records: Mapping[str, bytes]) -> None:
        """Store records under keys, in their order. Those that are there stay.

        When this returns all of them survive a power cut. Until then any number of the first ones may be there, whole.
        """
        ...
