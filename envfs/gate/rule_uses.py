"""The processes that have read by a rule that lets so many processes read.

Laws: a process counts once, however often it reads. It counts before it gets anything, and a restart of the daemon or
of the machine forgets none. A file that cannot be read means that nobody is left, but for a last line that was never
finished: nobody got anything by that. Of processes that have ended the number is enough, as none of them comes back.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.core.access.rule import Rule, RuleProcess
from envfs.errors import AuditUnavailable, StoreUnavailable
from envfs.host import clocks, private_files
from envfs.host.callers import rule_processes

_LARGEST = 16 << 20
_TIDY_BYTES = 1 << 20  # at this size, and at twice what was left of it, the file is written again
_BY_HAND = "s"  # the first letter of the id of a rule that a person wrote, who may put it back


class _Process(NamedTuple):
    """A process by the run of the machine and the inode of its pidfd."""

    boot: str
    pidfd: int


class _Uses:
    """The processes of one rule: how many have ended, and the others with their numbers, 0 where that is not known."""

    def __init__(self) -> None:
        self.ended = 0
        self.running: dict[_Process, int] = {}

    def __len__(self) -> int:
        return self.ended + len(self.running)

    def forget_ended(self) -> None:
        """Count those that have ended, and no more."""
        over = [process for process, pid in self.running.items() if _has_ended(process, pid)]
        for process in over:
            del self.running[process]
        self.ended += len(over)


class RuleUses:
    """The uses on record in the file at `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path
        self._uses: dict[str, _Uses] | None = None
        self._is_damaged = False
        self._is_cut_off = False  # its last line: nothing is to be written behind that
        self._size = 0
        self._tidy_at = _TIDY_BYTES

    def admits(self, rule: Rule, pidfd: int) -> bool:
        """Tell whether a process may read by a rule: it has before, or there is room for one more."""
        uses = self._load().get(rule.key)
        if self._is_damaged:
            return False
        return uses is None or len(uses) < rule.max_reads or _Process(clocks.boot_id(), pidfd) in uses.running

    def count(self, key: str) -> int:
        """Return how many processes have read by a rule."""
        return len(self._load().get(key, ()))

    def record(self, rule: Rule, pidfd: int, pid: int) -> None:
        """Note that a process reads by a rule.

        Raises:
            AuditUnavailable: that cannot be written
        """
        process = _Process(clocks.boot_id(), pidfd)
        uses = self._load().setdefault(rule.key, _Uses())
        if process in uses.running:
            return
        line = _line(rule.key, process, pid)
        if self._is_cut_off or self._size + len(line) > _LARGEST:
            self._write_again()
        self._append(line)
        uses.running[process] = pid

    def is_large(self) -> bool:
        """Tell whether it is worth its while to tidy up."""
        self._load()
        return self._size >= self._tidy_at

    def tidy(self, rules: Iterable[Rule]) -> None:
        """Forget rules that are not there any more, and processes that have ended. Nothing happens if that fails."""
        if not self._load() or self._is_damaged:
            return
        keys = {rule.key for rule in rules}
        gone = [key for key in self._load() if key not in keys and not key.startswith(_BY_HAND)]
        if gone or self.is_large():
            for key in gone:
                del self._load()[key]
            with suppress(AuditUnavailable):
                self._write_again()

    def _append(self, line: bytes) -> None:
        try:
            private_files.make_folder(self._path.parent)
            handle = safe_open.open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                if os.write(handle, line) != len(line):
                    raise OSError("a short write")
                os.fdatasync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self._is_cut_off = True
            raise AuditUnavailable(f"cannot write {self._path}: {safe_open.error_words(error)}") from None
        self._size += len(line)

    def _write_again(self) -> None:
        data = bytearray()
        for key, uses in self._load().items():
            uses.forget_ended()
            data += json.dumps({"rule": key, "ended": uses.ended}).encode() + b"\n" if uses.ended else b""
            for process, pid in uses.running.items():
                data += _line(key, process, pid)
        try:
            if len(data) > _LARGEST - _TIDY_BYTES:
                raise AuditUnavailable(f"{self._path} is too large: so many processes read by rules with --max-reads")
            private_files.write_private(self._path, bytes(data))
        except StoreUnavailable as error:
            raise AuditUnavailable(error.text) from None
        self._size, self._is_cut_off = len(data), False
        self._tidy_at = max(_TIDY_BYTES, 2 * self._size)

    def _load(self) -> dict[str, _Uses]:
        if self._uses is None:
            self._uses = {}
            try:
                handle = safe_open.open_file(self._path)
            except FileNotFoundError:
                return self._uses
            except OSError:
                self._is_damaged = True
                return self._uses
            try:
                self._take(safe_open.read_handle(handle, _LARGEST))
            except (OSError, ValueError, RecursionError, KeyError, TypeError):
                self._is_damaged = True
            finally:
                os.close(handle)
        return self._uses

    def _take(self, data: bytes) -> None:
        *lines, last = data.split(b"\n")
        self._is_cut_off, self._size = bool(last), len(data)
        for line in lines:
            body = json.loads(line)
            uses = self._load().setdefault(str(body["rule"]), _Uses())
            if "ended" in body:
                uses.ended += _whole(body["ended"])
            else:
                uses.running[_Process(str(body["boot"]), _whole(body["pidfd"]))] = _whole(body.get("pid", 0))


def _line(key: str, process: _Process, pid: int) -> bytes:
    return json.dumps({"rule": key, "boot": process.boot, "pidfd": process.pidfd, "pid": pid}).encode() + b"\n"


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a number")
    return value


def _has_ended(process: _Process, pid: int) -> bool:
    if process.boot != clocks.boot_id():
        return True
    return pid > 0 and rule_processes.has_ended(RuleProcess(process.boot, pid, process.pidfd)) is True
