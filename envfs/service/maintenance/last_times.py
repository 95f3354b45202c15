"""When the vault was verified and backed up last, kept in the state for a person who asks. Nothing else goes by it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import StoreUnavailable
from envfs.host import clocks, private_files

_BYTES = 4096


class LastTimes(NamedTuple):
    """Times (UTC), empty if that is not known, and how many records failed when the vault was verified."""

    verified: str = ""
    failed: int = 0
    backed_up: str = ""


def read_last_times(path: str) -> LastTimes:
    """Return the times. One that cannot be read is not known."""
    try:
        body = json.loads(safe_open.read_file(path, _BYTES))
        times = LastTimes(**body)
    except (OSError, ValueError, TypeError, RecursionError):
        return LastTimes()
    fits = all(type(value) is type(usual) for value, usual in zip(times, LastTimes(), strict=True))
    return times if fits else LastTimes()


def note_verified(path: str, failed: int) -> None:
    """Remember that the vault was verified now."""
    _write(path, read_last_times(path)._replace(verified=clocks.wall_time(), failed=failed))


def note_backed_up(path: str) -> None:
    """Remember that a backup was written now."""
    _write(path, read_last_times(path)._replace(backed_up=clocks.wall_time()))


def _write(path: str, times: LastTimes) -> None:
    with suppress(StoreUnavailable):  # what was asked for is done all the same
        private_files.write_private(Path(path), json.dumps(times._asdict()).encode() + b"\n")
