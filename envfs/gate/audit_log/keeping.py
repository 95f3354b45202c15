"""Closing segments of the access log in time, compressing them, and removing the oldest, as `[audit]` says.

Laws: a segment is closed behind a signed checkpoint, and the next one begins with the name of its file and is signed at
once. No entry is removed that no signature vouches for. Before a segment is removed, an entry that names its last line
is on the disk and signed: so a gap that a setting made is told from one that a person made.
"""

import contextlib
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import trio

from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.audit_settings import AuditSettings, Compression
from envfs.core.events import Dropped
from envfs.errors import EnvFSError
from envfs.gate.audit_log import chain_verification, log_files
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.log_files import COMPRESSED, LogPart
from envfs.gate.keyholder import Keyholder
from envfs.host import clocks, private_files

_SEAL_TRIES = 3  # entries come while a checkpoint is signed. Those behind it are signed with the next segment
_UNSIGNED_TIMES = 4  # how many times its size a segment may have while nothing can be signed
_NEW = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_OWN_ENTRIES = 3  # a segment with no more has nothing but what begins one


class Keeping:
    """Keeps the log of `ledger` as the settings say. `can_sign` tells whether the vault is unlocked."""

    def __init__(self, ledger: Ledger, keyholder: Keyholder, can_sign: Callable[[], bool]) -> None:
        """Do nothing yet."""
        self._ledger = ledger
        self._keyholder = keyholder
        self._can_sign = can_sign
        self._alone = trio.Lock()

    async def close_segment(self, caller: Caller) -> str:
        """Seal the segment that is written and go on in a new one. Returns the path of the closed one.

        Raises:
            AuditUnavailable: entries are missing, or a file cannot be written
        """
        async with self._alone:
            return await self._close_segment(caller)

    async def _close_segment(self, caller: Caller) -> str:
        log = self._ledger.log
        for _ in range(_SEAL_TRIES):
            await self._sign()
            if log.signed_to == log.tip.seq:
                break
        await self._say_removed_by_hand(caller)
        closed = await self._ledger.rotate(caller)
        await self._sign()
        return closed

    async def _sign(self) -> None:
        if self._can_sign():
            with contextlib.suppress(EnvFSError):  # signed later
                await self._ledger.sign(self._keyholder)

    async def _say_removed_by_hand(self, caller: Caller) -> None:
        # a person who goes on takes the gap as it is, and the log says who that was
        log = self._ledger.log
        gap = None if log.look() else await self._ledger.read_whole(partial(chain_verification.gap_at_start, log.path))
        if gap is not None:
            log.append(events.dropped(gap), caller)

    async def keep(self, settings: AuditSettings, caller: Caller) -> None:
        """Close the segment that is written if it is time, compress closed ones, and remove those that are not kept.

        Raises:
            AuditUnavailable: a file cannot be read or written
        """
        log = self._ledger.log
        if log.problem or self._ledger.behind or not log.tip.seq:
            return
        async with self._alone:
            if self._is_due(settings):
                await self._close_segment(caller)
            if settings.compress is Compression.GZIP:
                await self._ledger.read_whole(partial(_compress_closed, log.path))
            if settings.keep_segments or settings.keep_seconds:
                await self._remove_oldest(settings, caller)

    def _is_due(self, settings: AuditSettings) -> bool:
        log = self._ledger.log
        first = _first_entry(log.path)
        if log.tip.seq - first.seq < _OWN_ENTRIES:
            return False
        patience = 1 if self._can_sign() else _UNSIGNED_TIMES
        if log.end.size >= settings.segment_bytes * patience:
            return True
        return bool(settings.segment_seconds) and _age(first.time) >= settings.segment_seconds * patience

    async def _remove_oldest(self, settings: AuditSettings, caller: Caller) -> None:
        log = self._ledger.log
        parts = _unwanted(log.path, settings, log.signed_to)
        if not parts or not self._can_sign():
            return
        last = parts[-1].last
        digest = _first_entry(_after(log.path, last)).prev
        log.append_durably(events.dropped(Dropped(parts[0].first, last, digest)), caller)
        said = log.tip.seq
        await self._sign()
        if log.signed_to >= said:
            await self._ledger.read_whole(partial(_remove, parts))


class _FirstEntry(NamedTuple):
    """The first line of a file, as far as it is needed."""

    seq: int
    time: str
    prev: str


def _first_entry(path: Path) -> _FirstEntry:
    line = next(log_files.part_lines(path), b"")
    body = audit.parse_log_entry(line, 1) if line else {}
    seq = body.get("seq")
    number = seq if isinstance(seq, int) else 1
    return _FirstEntry(number, str(body.get("time", "")), str(body.get("prev", audit.START)))


def _after(path: Path, last: int) -> Path:
    return next(part.path for part in log_files.log_parts(path) if part.first == last + 1)


def _age(time: str) -> float:
    with contextlib.suppress(ValueError, TypeError):
        return (datetime.fromisoformat(clocks.wall_time()) - datetime.fromisoformat(time)).total_seconds()
    return 0.0


def _unwanted(path: Path, settings: AuditSettings, signed_to: int) -> list[LogPart]:
    *closed, written = log_files.log_parts(path)
    surplus = len(closed) - settings.keep_segments if settings.keep_segments else 0
    count = 0
    for number, (part, following) in enumerate(zip(closed, [*closed[1:], written], strict=True), 1):
        # the next one began when this one was closed
        is_old = settings.keep_seconds and _age(_first_entry(following.path).time) >= settings.keep_seconds
        if (number > surplus and not is_old) or part.last > signed_to or following.first != part.last + 1:
            break
        count = number
    return closed[:count]


def _remove(parts: list[LogPart]) -> None:
    try:
        for part in parts:
            part.path.with_name(part.path.name.removesuffix(COMPRESSED)).unlink(missing_ok=True)
            part.path.unlink(missing_ok=True)
        private_files.sync_folder(parts[0].path.parent)
    except OSError as error:
        raise log_files.unavailable(error) from None


def _compress_closed(path: Path) -> None:
    for part in log_files.log_parts(path)[:-1]:
        if not part.is_compressed:
            _compress(part.path)


def _compress(path: Path) -> None:
    import gzip  # noqa: PLC0415 - once in some weeks
    import shutil  # noqa: PLC0415

    packed, unfinished = path.with_name(path.name + COMPRESSED), path.with_name(f".{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        with (
            os.fdopen(log_files.open_part(path), "rb") as source,
            os.fdopen(os.open(unfinished, _NEW | os.O_EXCL, 0o600), "wb") as target,
        ):
            with gzip.GzipFile("", "wb", fileobj=target, mtime=0) as packing:
                shutil.copyfileobj(source, packing)
            target.flush()
            os.fsync(target.fileno())
        unfinished.replace(packed)
        private_files.sync_folder(path.parent)
        path.unlink()
        private_files.sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise log_files.unavailable(error) from None
