"""A service that only looks, for `status` and `doctor` where no daemon runs.

Law: it writes nothing, so it needs no lock, and whoever has the lock keeps nobody from looking.
"""

from pathlib import Path

from envfs.control.service import House, Service
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import AuditUnavailable
from envfs.gate import log_reading
from envfs.gate.log import AccessLog
from envfs.gate.log_reading import End
from envfs.vault.memory import Memory
from envfs.vault.vault import Vault


class LookingService(Service):
    """A service whose log and whose memory of the vault are left as they are."""

    @property
    def log(self) -> AccessLog:
        """The access log, which another process may be writing."""
        if self._log is None:
            self._log = _LogToRead(Path(self.places.log))
        return self._log

    @property
    def house(self) -> House:
        """The vault, beside a memory of it that does not grow.

        Raises:
            NoVault: there is none, or of another format
        """
        if self._house is None:
            self._check_owner()
            vault = Vault(self.store, _MemoryToRead(Path(self.places.seen)))
            self._house = House(vault, self.settings, self.log, self.refusals, self.keyholder)
        return self._house


class _LogToRead(AccessLog):
    def _open(self) -> None:
        end = self._remembered()
        if end is not None and not self.path.exists():
            raise AuditUnavailable(f"the access log is gone: it had {end.seq} entries", "`envfs log restart`")
        if self.path.exists():
            self.tip = log_reading.follow(self.path, end or End()).tip

    def append(self, _event: Event, _caller: Caller | None) -> None:
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
