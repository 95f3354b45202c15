"""The outbox: versions that were written and that the engine does not have, one file each, in their order.

Laws: a version is on the disk when `add` returns. `replace` leaves the old file or the new one. A file goes only when
its version is in the mirror, or when a person took a conflict back. A file that is damaged stays, and is told of.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from envfs import safe_open
from envfs.core import limits
from envfs.errors import AuthenticationFailed, StoreUnavailable
from envfs.host import private_files
from envfs.service.sharing.waiting import WaitingVersion, parse_waiting, render_waiting

_WAITING, _CONFLICT = ".waiting", ".conflict"
_LARGEST = 4 * limits.RECORD_BYTES
_MOST = 10_000  # they are held in memory


class Outbox:
    """The folder at `folder`, which is made with the first version that waits. One process at a time uses it."""

    def __init__(self, folder: Path) -> None:
        """Read what is there."""
        self.folder = folder
        self.damaged: tuple[str, ...] = ()
        self._waiting: dict[int, WaitingVersion] = {}
        self._conflicts: dict[int, WaitingVersion] = {}
        self._last = 0
        self._load()

    def __iter__(self) -> Iterator[WaitingVersion]:
        """Iterate over what waits, in order."""
        return iter([self._waiting[number] for number in sorted(self._waiting)])

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def of(self, stream: str) -> list[WaitingVersion]:
        """List what waits of one stream, in order."""
        return [waiting for waiting in self if waiting.stream == stream]

    def conflicts(self) -> tuple[WaitingVersion, ...]:
        """List the conflicts, in order."""
        return tuple(self._conflicts[number] for number in sorted(self._conflicts))

    def add(self, key: str, data: bytes, base: bytes) -> WaitingVersion:
        """Put a version behind those that wait.

        Raises:
            StoreUnavailable: it cannot be written, or too many wait
        """
        if len(self._waiting) >= _MOST:
            raise StoreUnavailable(
                f"{_MOST} versions wait for the engine, and no more may", "`envfs sync status` says why it is away"
            )
        waiting = WaitingVersion(self._last + 1, key, data, data, base)
        private_files.write_private(self._path(waiting.number, _WAITING), render_waiting(waiting))
        self._last = waiting.number
        self._waiting[waiting.number] = waiting
        return waiting

    def reserve(self, count: int) -> int:
        """Return the first of so many numbers in a row that nothing else gets."""
        first = self._last + 1
        self._last += count
        return first

    def restore(self, waiting: WaitingVersion) -> None:
        """Have a version wait at its number, however many wait. One that is there stays.

        Raises:
            StoreUnavailable: it cannot be written
        """
        if waiting.number not in self._waiting:
            private_files.write_private(self._path(waiting.number, _WAITING), render_waiting(waiting))
            self._last = max(self._last, waiting.number)
            self._waiting[waiting.number] = waiting

    def replace(self, number: int, key: str, data: bytes) -> WaitingVersion:
        """Have a version that was merged in the place of the one that waits.

        Raises:
            StoreUnavailable: it cannot be written
        """
        waiting = self._waiting[number]._replace(key=key, data=data)
        private_files.write_private(self._path(number, _WAITING), render_waiting(waiting))
        self._waiting[number] = waiting
        return waiting

    def keep_conflict(self, number: int, names: tuple[str, ...]) -> None:
        """Keep a version as a conflict too, whatever becomes of the rest of it.

        Raises:
            StoreUnavailable: it cannot be written
        """
        conflict = self._waiting[number]._replace(names=names)
        private_files.write_private(self._path(number, _CONFLICT), render_waiting(conflict))
        self._conflicts[number] = conflict

    def remove(self, *numbers: int) -> None:
        """Take out versions that are in the mirror, or that nobody was told are stored."""
        self._unlink(*(self._path(one, _WAITING) for one in numbers if self._waiting.pop(one, None) is not None))

    def drop_conflict(self, number: int) -> None:
        """Take out a conflict that a person decided."""
        if self._conflicts.pop(number, None) is not None:
            self._unlink(self._path(number, _CONFLICT))

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / f"{number:08d}{ending}"

    def _unlink(self, *paths: Path) -> None:
        if not paths:
            return
        try:
            for path in paths:
                path.unlink(missing_ok=True)
            private_files.sync_folder(self.folder)
        except OSError as error:
            raise StoreUnavailable(f"cannot write the outbox: {safe_open.error_words(error)}") from None

    def _load(self) -> None:
        try:
            files = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreUnavailable(f"cannot read the outbox: {safe_open.error_words(error)}") from None
        for name in files:
            stem, ending = os.path.splitext(name)
            if ending not in (_WAITING, _CONFLICT) or not (stem.isascii() and stem.isdigit()):
                continue
            self._last = max(self._last, int(stem))
            table = self._waiting if ending == _WAITING else self._conflicts
            try:
                table[int(stem)] = parse_waiting(int(stem), safe_open.read_file(self.folder / name, _LARGEST))
            except (AuthenticationFailed, OSError):
                self.damaged = (*self.damaged, name)
