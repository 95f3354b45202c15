"""The processes that have read by a rule that lets so many processes read.

Laws: a process counts once, however often it reads. It counts before it gets anything, and a restart of the daemon or
of the machine forgets none. A file that cannot be read means that nobody is left.
"""

import json
import os
from pathlib import Path

from envfs import safe_open
from envfs.core.access.rule import Rule
from envfs.errors import AuditUnavailable
from envfs.host import clocks, private_files

_LARGEST = 16 << 20
_HINT = "move it away: then the rules with --max-reads start again"


class RuleUses:
    """The uses on record in the file at `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path
        self._uses: dict[str, set[tuple[str, int]]] | None = None
        self._is_damaged = False

    def admits(self, rule: Rule, pidfd: int) -> bool:
        """Tell whether a process may read by a rule: it has before, or there is room for one more."""
        users = self._load().get(rule.key, set())
        return not self._is_damaged and (len(users) < rule.max_reads or (clocks.boot_id(), pidfd) in users)

    def count(self, key: str) -> int:
        """Return how many processes have read by a rule."""
        return len(self._load().get(key, ()))

    def record(self, rule: Rule, pidfd: int) -> None:
        """Note that a process reads by a rule.

        Raises:
            AuditUnavailable: that cannot be written
        """
        user = (clocks.boot_id(), pidfd)
        users = self._load().setdefault(rule.key, set())
        if user in users:
            return
        line = json.dumps({"rule": rule.key, "boot": user[0], "pidfd": pidfd}).encode() + b"\n"
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
            raise AuditUnavailable(f"cannot write {self._path}: {safe_open.error_words(error)}") from None
        users.add(user)

    def _load(self) -> dict[str, set[tuple[str, int]]]:
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
        for line in data.splitlines():
            body = json.loads(line)
            users = self._load().setdefault(str(body["rule"]), set())
            users.add((str(body["boot"]), int(body["pidfd"])))
