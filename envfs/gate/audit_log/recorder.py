"""A change of the vault and its entry in the access log.

Laws: the entry is on the disk before the record is stored, so no version is without an entry, after a power cut too. A
record that is not stored after all is said to be so by the next entry, `void`. Nothing else comes between an entry and
its record: so of all changes only the one that a log ends with can have been interrupted by the end of its process.
"""

from collections.abc import Callable
from contextlib import suppress

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.events import Event
from envfs.errors import EnvFSError
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.marks import Intent
from envfs.vault.vault import Vault

KILLED = "the change was interrupted before it took effect: this version was never stored"
TAKEN = "another machine wrote this version first: the change was applied again to that one"
_FAILED = "the change could not be carried out: this version was not stored"
_UNKNOWN = "the change could not be carried out, and whether this version was stored cannot be seen"


class Recorder:
    """Stores records of `vault` behind their entries in `log`."""

    def __init__(self, log: AccessLog, vault: Vault) -> None:
        """Record in `log` what is stored in `vault`."""
        self._log = log
        self._vault = vault

    def carry_out(self, event: Event, caller: Caller, data: bytes, store: Callable[[], bool]) -> bool:
        """Put the entry on the disk, then `store` a record of `data`. False, if `store` says that it is not stored.

        Raises:
            AuditUnavailable: the entry cannot be put on the disk. Nothing was stored
            EnvFSError: as `store` does
        """
        self._log.append_durably(event, caller)
        intent = Intent(event.kind, event.level, event.version)
        stored = False
        try:
            stored = store()
        finally:
            why = "" if stored else self._failure(intent, data)
            if why:
                say_broken_off(intent, why, self._log, self._vault)
        return stored

    def take_back(self, event: Event) -> None:
        """Say in the log that the engine gave the number to another machine's record after all."""
        say_broken_off(Intent(event.kind, event.level, event.version), TAKEN, self._log, self._vault)

    def _failure(self, intent: Intent, data: bytes) -> str:
        with suppress(EnvFSError):
            return "" if self._vault.read(intent.stream, intent.version) == data else _FAILED
        return _UNKNOWN


def say_broken_off(intent: Intent, why: str, log: AccessLog, vault: Vault) -> None:
    """Say in the log that a change was interrupted, and take its level out of the index if it has no text after all."""
    with suppress(EnvFSError):
        vault.relist(intent.level)
    log.settle(events.void(intent.event, intent.level, intent.version, why))


def is_broken_off(intent: Intent, vault: Vault, read_at: int) -> bool:
    """Tell whether the change that a log ends with was interrupted: there is no record, and none was ever seen.

    `read_at` is the newest version of the stream that the log says was read.
    """
    seen = vault.memory.get(intent.stream)
    if max(seen.seq if seen else 0, read_at) >= intent.version:
        return False
    with suppress(EnvFSError):
        return vault.read(intent.stream, intent.version) is None
    return False
