"""Changing a level: the keyholder applies an operation to the head and seals the result, the vault appends it.

Law: if somebody else took the number, or changed the project's key, the operation is applied again to the new head with
the new key, so that only a change of the same variable can be overtaken, and nothing is sealed with a key of the past.
Within one daemon the writers of a level take turns, or the slowest of many would lose every race.
"""

from typing import NamedTuple, NoReturn
from weakref import WeakValueDictionary

import trio

from envfs.core import names, record
from envfs.core.addresses import Layer
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import Conflict, NoSuchLevel, NoSuchVariable
from envfs.gate.audit_log.carrying_out import Recorder
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.keyholder import Answer, Keyholder
from envfs.host import clocks
from envfs.protocol.keyholding import Sealed, Unchanged, WriteLevel
from envfs.service.changes.changes import Changes
from envfs.service.changes.comparison import NO_TEXT, Version
from envfs.service.project_keys import KeyFile, ProjectKeys
from envfs.vault.vault import Vault

_TRIES = 20
_NEED_TEXT = ("unset", "rename", "restore", "reseal")


class Operation(NamedTuple):
    """What to do to a level's text; see `protocol.keyholding.WriteLevel` for the words.

    With `dry` it is only found out what that would change: what the keyholder seals is thrown away.
    """

    verb: str
    level: str
    name: str = ""
    trim: bool = False
    restore_version: int = 0
    new_name: str = ""
    dry: bool = False


class Result(NamedTuple):
    """The version that the level has now, and what changed; `changes` is None when nothing did."""

    version: int
    changes: Sealed | None


class Writer:
    """Writes levels of one vault."""

    def __init__(self, vault: Vault, keys: ProjectKeys, keyholder: Keyholder, log: AccessLog, changes: Changes) -> None:
        """Append to `vault` what `keyholder` seals, recorded in `log`, and say so to `changes`."""
        self._vault = vault
        self._keys = keys
        self._keyholder = keyholder
        self._recorder = Recorder(log, vault)
        self._changes = changes
        self._turns: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()  # of one level's writers in here

    async def write(self, caller: Caller, operation: Operation, descriptors: tuple[int, ...] = ()) -> Result:
        """Carry out one operation; a level and a project's key come to be with their first text.

        Raises:
            Conflict: others kept taking the number
        """
        if operation.verb in _NEED_TEXT and self._vault.head(operation.level) is None:
            self._no_text(operation)
        async with self._turns.setdefault(operation.level, trio.Lock()):
            await self._changes.wait_told(operation.level)
            for _ in range(_TRIES):
                result = await self._try(caller, operation, descriptors)
                if result is not None:
                    return result
        raise Conflict(f"others keep writing {operation.level}", "try again")

    def _no_text(self, operation: Operation) -> NoReturn:
        if not self._vault.exists(operation.level):
            raise NoSuchLevel(f"there is no level {operation.level}", "`envfs ls` lists the levels")
        if operation.verb == "restore":
            raise NoSuchLevel(f"{operation.level} has no version {operation.restore_version}: it never had a text")
        raise NoSuchVariable(f"{operation.level} does not set {operation.name} itself")

    async def _try(self, caller: Caller, operation: Operation, descriptors: tuple[int, ...]) -> Result | None:
        level, vault = operation.level, self._vault
        project = names.project(level)
        key = await self._keys.newest(project)
        head = vault.head(level)
        request, blobs = self._request(operation, head.seq if head else 0, key)
        answer: Answer[Sealed | Unchanged] = await self._keyholder.ask(request, (Sealed, Unchanged), blobs, descriptors)
        if not isinstance(answer.message, Sealed):
            return Result(head.seq if head else 0, None)
        if operation.dry:
            return Result(head.seq if head else 0, answer.message)
        event = Event("write", "socket", level, request.place.seq, operation.verb, "allow", "owner")
        data = answer.blobs[0]

        def store() -> bool:
            is_current = self._keys.store(project, key) if key.new else self._keys.is_newest(project, key)
            return is_current and vault.append(level, request.place.seq, data)

        if not self._recorder.carry_out(event, caller, data, store):
            return None
        self._changes.wrote(level, Version(head.seq, head.digest) if head else NO_TEXT)
        return Result(request.place.seq, answer.message)

    def _request(self, operation: Operation, seq: int, key: KeyFile) -> tuple[WriteLevel, tuple[bytes, ...]]:
        level, vault = operation.level, self._vault
        layers, blobs = vault.layers([(level, seq), (level, operation.restore_version)])
        place = vault.next_place(record.level_stream(level))
        if place.seq != seq + 1:
            raise Conflict(f"{level} changed while it was read", "try again")
        request = WriteLevel(
            place=place,
            time=self._time(level, seq),
            operation=operation.verb,
            name=operation.name,
            key=key.place,
            key_blob=len(blobs),
            head=_at(layers, seq),
            restore=_at(layers, operation.restore_version),
            trim=operation.trim,
            new_name=operation.new_name,
        )
        return request, (*blobs, key.data)

    def _time(self, level: str, seq: int) -> str:
        # never before the version before it, whatever the clock says: `.history` finds versions by time
        now = clocks.wall()
        return max(now, self._vault.header(level, seq).time) if seq else now


def _at(layers: tuple[Layer, ...], seq: int) -> Layer | None:
    return next((layer for layer in layers if layer.record.seq == seq), None)
