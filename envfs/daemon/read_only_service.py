"""A service that only looks, for `status` and `doctor` where no daemon runs.

Law: it writes nothing, so it needs no lock, and whoever has the lock keeps nobody from looking.
"""

import os
from typing import NoReturn

from envfs.core.access.caller import Caller
from envfs.core.events import Event
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log import log_end, log_opening
from envfs.gate.audit_log.log import AccessLog, OnEntry
from envfs.gate.audit_log.log_files import HINT
from envfs.service.service import Service
from envfs.vault.high_water import Memory


class _LogToRead(AccessLog):
    only_looks = True

    def _open(self, on_entry: OnEntry) -> None:
        remembered = log_end.read_log_end(self.path)
        gone = remembered or (self._signed.end if self._signed else None)
        if os.path.lexists(self.path):
            self.tip = log_opening.follow_from_known(self.path, self._signed, remembered, on_entry).tip
        elif gone is not None:
            raise AuditUnavailable(log_opening.missing_log(self.path, gone), HINT)

    def append(self, _event: Event, _caller: Caller | None) -> NoReturn:
        raise AuditUnavailable("this daemon only looks")

    def look(self) -> str:
        return self.problem

    def close(self) -> None:
        return


class _MemoryToRead(Memory):
    def _append(self, _line: bytes) -> None:
        return

    def _compact(self) -> None:
        return


class LookingService(Service):
    """A service whose log and whose memory of the vault are left as they are."""

    _log_type = _LogToRead
    _memory_type = _MemoryToRead
