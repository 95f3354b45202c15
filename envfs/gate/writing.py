"""Changing a level: the keyholder applies an operation to the head and seals the result, the vault appends it.

Law: if somebody else took the number, the operation is applied again to the new head, so that only a change of the
same variable can be overtaken.
"""

from typing import NamedTuple

from envfs.core import names, record
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import Conflict, NoSuchLevel, NoSuchVariable
from envfs.gate.log import AccessLog
from envfs.gate.views import Keyholder
from envfs.host import clocks
from envfs.protocol.keyholding import CreateKey, Layer, Sealed, WriteLevel
from envfs.vault.vault import Vault

_TRIES = 20


class Operation(NamedTuple):
    """What to do to a level's text; see `protocol.keyholding.WriteLevel` for the words."""

    verb: str
    level: str
    name: str = ""
    trim: bool = False
    restore_version: int = 0


class Result(NamedTuple):
    """The version that the level has now, and what changed; `changes` is None when nothing did."""

    version: int
    changes: Sealed | None


class Writer:
    """Writes levels of one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder, log: AccessLog) -> None:
        """Append to `vault` what `keyholder` seals, recorded in `log`."""
        self._vault = vault
        self._keyholder = keyholder
        self._log = log

    async def write(self, caller: Caller, operation: Operation, descriptors: tuple[int, ...] = ()) -> Result:
        """Carry out one operation; a level and a project's key come to be with their first text.

        Raises:
            Conflict: others kept taking the number
        """
        if operation.verb == "unset" and self._vault.head(operation.level) is None:
            self._no_text(operation)
        await self._ensure_key(names.project(operation.level))
        for _ in range(_TRIES):
            result = await self._try(caller, operation, descriptors)
            if result is not None:
                return result
        raise Conflict(f"others keep writing {operation.level}", "try again")

    def _no_text(self, operation: Operation) -> None:
        if not self._vault.exists(operation.level):
            raise NoSuchLevel(f"there is no level {operation.level}", "`envfs ls` lists the levels")
        raise NoSuchVariable(f"{operation.level} does not set {operation.name} itself")

    async def _try(self, caller: Caller, operation: Operation, descriptors: tuple[int, ...]) -> Result | None:
        level, vault = operation.level, self._vault
        head = vault.head(level)
        request, blobs = self._request(operation, head.seq if head else 0)
        answer = await self._keyholder.ask(request, blobs, descriptors)
        if not isinstance(answer.message, Sealed):
            return Result(head.seq if head else 0, None)
        event = Event("write", "socket", level, request.place.seq, operation.verb, "allow", "owner")
        self._log.append(event, caller)
        if vault.append(level, request.place.seq, answer.blobs[0]):
            return Result(request.place.seq, answer.message)
        return None

    def _request(self, operation: Operation, seq: int) -> tuple[WriteLevel, tuple[bytes, ...]]:
        level, vault = operation.level, self._vault
        wanted = [(level, seq), (level, operation.restore_version)]
        layers, blobs = vault.layers(wanted)
        stream, project = record.level_stream(level), names.project(level)
        place = vault.next_place(stream)
        if place.seq != seq + 1:
            raise Conflict(f"{level} changed while it was read", "try again")
        key_head = vault.key_head(project)
        if key_head is None:
            raise NoSuchLevel(f"the key of project {project or '/'} is gone from the vault")
        key_place = vault.place(record.key_stream(project), key_head.seq)
        request = WriteLevel(
            place=place,
            time=self._time(level, seq),
            operation=operation.verb,
            name=operation.name,
            key=key_place,
            key_blob=len(blobs),
            head=_at(layers, seq),
            restore=_at(layers, operation.restore_version),
            trim=operation.trim,
        )
        return request, (*blobs, key_head.data)

    def _time(self, level: str, seq: int) -> str:
        # never before the version before it, whatever the clock says: `.history` finds versions by time
        now = clocks.wall()
        return max(now, self._vault.header(level, seq).time) if seq else now

    async def _ensure_key(self, project: str) -> None:
        while self._vault.key_head(project) is None:
            place = self._vault.next_place(record.key_stream(project))
            answer = await self._keyholder.ask(CreateKey(place, clocks.wall()))
            self._vault.append_key(project, place.seq, answer.blobs[0])


def _at(layers: tuple[Layer, ...], seq: int) -> Layer | None:
    return next((layer for layer in layers if layer.record.seq == seq), None)
