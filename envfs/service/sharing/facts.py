"""The facts of an engine and of this machine's copy: for `envfs sync status`, and for the problems in `status`."""

import json
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.host import clocks, private_files
from envfs.service.sharing.lost_records import LostRecords

_LARGEST, _LARGEST_ERASED = 1 << 16, 1 << 24


class Contact(NamedTuple):
    """The engine that this machine last had whole contact with, and when (UTC, as records have it).

    `device` is this machine's key in the list of members, as far as it was told. It tells which part of the vault is
    this machine's while the vault is locked.
    """

    engine: str = ""
    time: str = ""
    device: str = ""


class RefusedRecord(NamedTuple):
    """Why a record of a stream is not taken, and its `key`. With `is_withheld` it did not come."""

    fault: str
    key: str = ""
    is_withheld: bool = False


class SharingFacts:
    """The facts of one daemon, kept up by what they are about. Sentences are for people."""

    def __init__(self, path: Path) -> None:
        """Remember the last contact in the file at `path`."""
        self._path = path
        self.contact = _read(path)
        self.device = self.contact.device
        self.problem = ""  # why the engine cannot be reached. Empty while it can
        self.failure: EnvFSError | None = None  # the error that said so last
        self.begun = self.ended = 0  # numbers of passes: the last one that began, the last whole one that ended
        self.connected = False
        self.behind = 0
        self.waits_for_unlock = False
        self.lost = LostRecords(path.with_name("lost-records.json"))
        self.forked: frozenset[str] = frozenset()
        self.unfinished = ""  # why a stream that was being rejoined could not be finished
        self.unmerged: dict[int, str] = {}  # by the number of what waits, why it cannot be merged
        self.refused: dict[str, RefusedRecord] = {}  # by stream, why a record of it was not taken
        self.erased: dict[str, int] = {}  # by stream of tombstones, the last of those that the engine follows
        self.left: dict[str, int] = {}  # by stream, how many forgotten records the engine does not let go
        self._erased_at = ""

    def take_failure(self) -> EnvFSError | None:
        """Return why the engine was lost since this was asked last, if it was."""
        failure, self.failure = self.failure, None
        return failure

    def had_contact(self, engine: str) -> None:
        """Take note that all was compared with an engine. It is written down once a minute at most."""
        self.ended = self.begun
        now = clocks.wall_time()
        last, self.contact = self.contact, Contact(engine, now, self.device)
        if last._replace(time=last.time[:16]) != self.contact._replace(time=now[:16]):
            self._write()

    def remember_device(self, device: str) -> None:
        """Write down this machine's key in the list of members."""
        self.device, self.contact = device, self.contact._replace(device=device)
        self._write()

    def _write(self) -> None:
        private_files.write_private(self._path, json.dumps(self.contact._asdict()).encode() + b"\n")

    def begin_erasing(self, engine: str) -> None:
        """Take up the erasing at an engine where it was left."""
        self.left.clear()
        self._erased_at = engine
        self.erased = _read_erased(self._erased_path, engine)

    def note_erased(self, stream: str, last: int) -> None:
        """Take note that the engine follows the tombstones of a stream, up to a number."""
        self.erased[stream] = last
        body = {"engine": self._erased_at, "tombstones": self.erased}
        private_files.write_private(self._erased_path, json.dumps(body).encode() + b"\n")

    @property
    def _erased_path(self) -> Path:
        return self._path.with_name("erased.json")


def _read_erased(path: Path, engine: str) -> dict[str, int]:
    try:
        body = json.loads(safe_open.read_file(path, _LARGEST_ERASED))
        return (
            {str(stream): int(last) for stream, last in body["tombstones"].items()} if body["engine"] == engine else {}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EnvFSError):
        return {}  # all is looked at again


def _read(path: Path) -> Contact:
    try:
        body = json.loads(safe_open.read_file(path, _LARGEST))
        return Contact(str(body["engine"]), str(body["time"]), str(body.get("device", "")))
    except (OSError, ValueError, KeyError, TypeError, EnvFSError):
        return Contact()
