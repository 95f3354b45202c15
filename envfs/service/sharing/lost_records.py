"""Records that an engine had acknowledged and lost, remembered until a person says that they know.

Law: nothing but a person's word takes one away: no restart, no other engine, and no record that was given back.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.host import private_files

_LARGEST = 1 << 24


class Loss(NamedTuple):
    """The number of records that an engine had of a stream, and the one that it came back with."""

    had: int
    left: int


class LostRecords:
    """The losses that nobody has accepted yet, by stream, in a file."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`."""
        self._path = path
        self._losses = _read(path)

    def all(self) -> dict[str, Loss]:
        """Return them all, in the order of their streams."""
        return dict(sorted(self._losses.items()))

    def note(self, losses: Mapping[str, Loss]) -> None:
        """Remember losses, before the records are given back. Of two of one stream the larger one is told.

        Raises:
            StoreUnavailable: it cannot be written down
        """
        after = self._losses | {
            stream: _larger(self._losses.get(stream, loss), loss) for stream, loss in losses.items()
        }
        if after != self._losses:
            self._replace(after)

    def accept(self, losses: Mapping[str, Loss]) -> None:
        """Forget what a person has seen. A loss that grew since then stays.

        Raises:
            StoreUnavailable: it cannot be written down
        """
        self._replace({stream: loss for stream, loss in self._losses.items() if losses.get(stream) != loss})

    def _replace(self, losses: dict[str, Loss]) -> None:
        private_files.write_private(self._path, json.dumps(losses).encode() + b"\n")
        self._losses = losses


def _larger(one: Loss, other: Loss) -> Loss:
    return Loss(max(one.had, other.had), min(one.left, other.left))


def _read(path: Path) -> dict[str, Loss]:
    try:
        body = json.loads(safe_open.read_file(path, _LARGEST))
        return {str(stream): Loss(int(had), int(left)) for stream, (had, left) in body.items()}
    except (OSError, ValueError, TypeError, AttributeError, EnvFSError):
        return {}
