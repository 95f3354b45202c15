"""Changing a level: the keyholder applies an operation to the head and seals the result, the vault appends it.

Law: if somebody else took the number, or changed the project's key, the operation is applied again to the new head with
the new key, so that only a change of the same variable can be overtaken, and nothing is sealed with a key of the past.
Within one daemon the writers of a level take turns, or the slowest of many would lose every race.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, NoReturn
from weakref import WeakValueDictionary

import trio

from envfs.core import events, names, record
from envfs.core.access.caller import Caller
from envfs.core.addresses import MemberRecords, RecordAddress, SealedLayer
from envfs.core.events import Event
from envfs.core.operations import Operation
from envfs.core.rotation import RotationPhase
from envfs.errors import (
    AuthenticationFailed,
    Conflict,
    EnvFSError,
    NoSuchLevel,
    NoSuchVariable,
    NotApproved,
    StoreUnavailable,
)
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.recorder import Recorder
from envfs.gate.keyholder import Keyholder, KeyholderAnswer
from envfs.host import clocks
from envfs.protocol.keyholding import Compared, CompareVersions, Sealed, Unchanged, WriteLevel
from envfs.service.changes.changes import ChangeNotices
from envfs.service.changes.comparison import NO_TEXT, LevelVersion
from envfs.service.overtaking import Overtaken, RecentChanges
from envfs.service.project_keys import KeyFile, ProjectKeys
from envfs.service.sharing.aside_keys import FormerKeys, former_keys
from envfs.service.sharing.sharing import VaultSharing
from envfs.service.sharing.waiting import Settled, WaitingVersion, address_of
from envfs.vault.vault import Vault

_TRIES = 20
_TURNS = 6  # lost to other machines, before a version waits to be merged: a busy machine would lose every race
_NEED_VARIABLES = (Operation.UNSET, Operation.RENAME, Operation.ROTATE)
_NEED_TEXT = (*_NEED_VARIABLES, Operation.RESTORE, Operation.RESEAL)


class LevelChange(NamedTuple):
    """An operation on a level's text. See `protocol.keyholding.WriteLevel` for the fields.

    With `dry` it is only found out what that would change: what the keyholder seals is thrown away. `message` is the
    person's, for the history, and `rule` the one that lets the caller write, for the log.

    `always`: for a caller without the values. There is a version whether or not anything changed, and what reads as
    before counts as changed: so no guess is told from another one. `quiet`: for a caller without the names.

    `restore_level` is the level that `restore_version` is of, if that is another one, and `half` as in WriteLevel. With
    `expected`, only if that is the level's newest version. `phase` and `until` are of a rotation, as in WriteLevel.
    `waiting` is the version of a `rebase`, opened by `former` if that is there. With `names` it is in conflict, and
    they count.
    """

    operation: Operation
    level: str
    name: str = ""
    trim: bool = False
    restore_version: int = 0
    new_name: str = ""
    dry: bool = False
    message: str = ""
    canary: bool = False
    rule: str = "owner"
    always: bool = False
    quiet: bool = False
    restore_level: str = ""
    half: bool = False
    names: tuple[str, ...] = ()
    expected: int = -1
    phase: RotationPhase = RotationPhase.DIRECT
    until: str = ""
    waiting: WaitingVersion | None = None
    former: FormerKeys | None = None


class Result(NamedTuple):
    """The version that the level has now, and what changed. `changes` is None when nothing did.

    `overtaken` are changes of the same variables that were stored after this one was asked for, and before it.
    """

    version: int
    changes: Sealed | None
    overtaken: tuple[Overtaken, ...] = ()


class Writer:
    """Writes levels of one vault. New versions of one that machines share go through `sharing`."""

    sharing: VaultSharing | None = None

    def __init__(
        self, vault: Vault, keys: ProjectKeys, keyholder: Keyholder, log: AccessLog, changes: ChangeNotices
    ) -> None:
        """Append to `vault` what `keyholder` seals, recorded in `log`, and say so to `changes`."""
        self._vault = vault
        self._keys = keys
        self._keyholder = keyholder
        self._recorder = Recorder(log, vault)
        self._changes = changes
        self._recent = RecentChanges()
        self._turns: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()  # of one level's writers in here

    async def write(self, caller: Caller, change: LevelChange, descriptors: tuple[int, ...] = ()) -> Result:
        """Carry out one operation. A level and a project's key are created with their first text.

        Raises:
            Conflict: others kept taking the number
        """
        is_told = not (change.quiet and change.operation is Operation.UNSET and self._vault.exists(change.level))
        head = self._vault.head(change.level)
        is_gone = change.operation in _NEED_VARIABLES and self._vault.is_removed(change.level)
        if change.operation in _NEED_TEXT and (head is None or is_gone) and is_told:
            self._no_text(change)
        async with self._turns.setdefault(change.level, trio.Lock()):
            await self._changes.wait_told(change.level)
            must_arrive = self.sharing is not None and self.sharing.must_arrive
            for number in range(_TRIES):
                takes_turns = number < _TURNS or must_arrive
                result = await self._try(caller, change, descriptors, takes_turns=takes_turns)
                if result is not None:
                    result = await self._noted(change, result, head.seq if head else 0)
                    break
            else:
                raise Conflict(f"others keep writing {change.level}", "try again")
        if self.sharing is not None and change.waiting is None:
            await self.sharing.wait_sent(record.level_stream(change.level))
        return result

    async def _noted(self, change: LevelChange, result: Result, before: int) -> Result:
        # `before` is the version that there was when the change was asked for
        if change.dry or result.changes is None:
            return result
        written = (*result.changes.added, *result.changes.changed, *result.changes.removed)
        with suppress(EnvFSError):  # what was written is written
            await self._look_at_others(change.level, self._recent.missing(change.level, before + 1, result.version))
        overtaken = self._recent.since(change.level, before, written)
        self._recent.add(change.level, result.version, written)
        return result._replace(overtaken=overtaken)

    async def _look_at_others(self, level: str, versions: range) -> None:
        # versions of another process that writes this vault
        if not versions:
            return
        async with self._keyholder.turn():
            layers = self._vault.layers([(level, seq) for seq in (versions[0] - 1, *versions)])
            request = CompareVersions(layers.layers, versions[0])
            answer = await self._keyholder.ask(request, Compared, layers.blobs)
        for version in answer.message.versions:
            self._recent.add(level, version.version, (*version.added, *version.changed, *version.removed))

    def _no_text(self, change: LevelChange) -> NoReturn:
        if not self._vault.exists(change.level):
            raise NoSuchLevel(f"there is no level {change.level}", "`envfs ls` lists the levels")
        if change.operation is Operation.RESTORE:
            raise NoSuchLevel(f"{change.level} has no version {change.restore_version}: it never had a text")
        raise _with_hint(NoSuchVariable(f"{change.level} does not set {change.name} itself"), change)

    async def _try(
        self, caller: Caller, change: LevelChange, descriptors: tuple[int, ...], *, takes_turns: bool
    ) -> Result | None:
        level, vault = change.level, self._vault
        project = names.project(level)
        key = await self._keys.newest(project)
        head = vault.head(level)
        self._check_expected(change, head.seq if head else 0)
        request, blobs = self._request(change, head.seq if head else 0, key)
        try:
            answer: KeyholderAnswer[Sealed | Unchanged] = await self._keyholder.ask(
                request, (Sealed, Unchanged), blobs, descriptors
            )
        except NoSuchVariable as error:
            raise _with_hint(error, change) from None
        if not isinstance(answer.message, Sealed):
            return Result(head.seq if head else 0, None)
        if change.dry:
            return Result(head.seq if head else 0, answer.message)
        event = events.written(level, request.place.seq, change.operation, change.rule)
        data, sealed = answer.blobs[0], answer.message
        if key.new and not await self._keys.offer(project, key):
            return None

        def store() -> bool:
            is_current = self._keys.store(project, key) if key.new else self._keys.is_newest(project, key)
            return is_current and self._append(change, request.place.seq, sealed, data)

        if not self._recorder.carry_out(event, caller, data, store):
            return None
        if not await self._is_settled(change, event, data, takes_turns=takes_turns):
            return None
        vault.confirm_members(request.members, blobs)
        if change.always:
            self._changes.count_as_changed(record.digest(data))
        self._changes.wrote(level, LevelVersion(head.seq, head.digest) if head else NO_TEXT)
        return Result(request.place.seq, sealed)

    def _append(self, change: LevelChange, seq: int, sealed: Sealed, data: bytes) -> bool:
        waiting = change.waiting
        if self.sharing is None or waiting is None or change.names:
            return self._vault.append(change.level, seq, data)
        if sealed.unmerged or sealed.comments:
            self.sharing.store.outbox.keep_conflict(waiting.number, sealed.unmerged)
        with self.sharing.store.replacing(waiting.number):
            return self._vault.append(change.level, seq, data)

    async def _is_settled(self, change: LevelChange, event: Event, data: bytes, *, takes_turns: bool) -> bool:
        # what is merged by itself is pushed by whoever has it merged
        if self.sharing is None or (change.waiting is not None and not change.names):
            return True
        try:
            settled = await self.sharing.settle(record.level_stream(change.level), data, takes_turns=takes_turns)
        except NotApproved:
            self._recorder.take_back(event)
            raise
        if settled is Settled.WAITING and self.sharing.must_arrive:
            raise StoreUnavailable(
                "the engine did not take the version in time, and this machine's copy ends with the command",
                "look whether it arrived, and write it again if not",
            )
        if settled is Settled.TAKEN:
            self._recorder.take_back(event)
        return settled is not Settled.TAKEN

    async def rebase(self, caller: Caller, waiting: WaitingVersion) -> Result:
        """Merge a version that waited into what others wrote meanwhile. It goes on waiting as the next version.

        Variables that both changed keep the others' value, and the version is kept as a conflict beside that.
        """
        return await self.merge(caller, LevelChange(Operation.REBASE, waiting.level, rule="sync", waiting=waiting))

    async def merge(self, caller: Caller, change: LevelChange) -> Result:
        """Carry out a `rebase` of a version that may be sealed, or signed, by what was set aside since."""
        try:
            return await self.write(caller, change)
        except AuthenticationFailed:
            for former in self._former_keys(names.project(change.level)):
                with suppress(AuthenticationFailed):
                    return await self.write(caller, change._replace(former=former))
            raise

    def _former_keys(self, project: names.Project) -> Iterator[FormerKeys]:
        return former_keys(self.sharing.aside, self._vault, project) if self.sharing else iter(())

    def _check_expected(self, change: LevelChange, version: int) -> None:
        # a level that was removed has no text, as one that never was
        versions = (version, 0) if version and self._vault.is_removed(change.level) else (version,)
        if change.expected >= 0 and change.expected not in versions:
            raise Conflict(f"{change.level} was changed meanwhile", "read it again")

    def _request(self, change: LevelChange, seq: int, key: KeyFile) -> tuple[WriteLevel, tuple[bytes, ...]]:
        level, vault = change.level, self._vault
        source = (change.restore_level or level, change.restore_version)
        layers, opened = vault.layers([(level, seq), source])
        blobs = list(opened)
        place = vault.next_place(record.level_stream(level))
        now = vault.head(level)
        if (now.seq if now else 0) != seq:
            raise Conflict(f"{level} changed while it was read", "try again")
        key_blob = len(blobs)
        blobs.append(key.data)
        members = layers[0].members if layers else vault.add_members(blobs)
        base, mine = _merged_layers(change, (key.place, key_blob), blobs, members)
        request = WriteLevel(
            place=place,
            time=self._time(level, seq, source if change.operation is Operation.MOVE else None),
            operation=change.operation,
            name=change.name,
            key=key.place,
            key_blob=key_blob,
            head=_at(layers, (level, seq)),
            restore=mine or _at(layers, source),
            trim=change.trim,
            new_name=change.new_name,
            canary=change.canary,
            always=change.always,
            quiet=change.quiet,
            half=change.half,
            names=change.names,
            message=change.message,
            phase=change.phase,
            until=change.until,
            members=members,
            base=base,
        )
        return request, tuple(blobs)

    def _time(self, level: str, seq: int, source: tuple[str, int] | None) -> str:
        # never before the version before it, whatever the clock says: `.history` finds versions by time
        now = self._vault.header(*source).time if source else clocks.wall_time()
        return max(now, self._vault.header(level, seq).time) if seq else now


def _merged_layers(
    change: LevelChange, key: tuple[RecordAddress, int], blobs: list[bytes], members: MemberRecords | None
) -> tuple[SealedLayer | None, SealedLayer | None]:
    # the text before the version that waited, if there was one, and that version
    if change.waiting is None:
        return None, None
    layers: list[SealedLayer | None] = []
    if change.former is not None and change.former.key is not None:
        key = change.former.key[0], len(blobs)
        blobs.append(change.former.key[1])
    if change.former is not None and change.former.members is not None:
        members = MemberRecords(len(blobs), len(change.former.members))
        blobs.extend(change.former.members)
    for data in (change.waiting.base, change.waiting.mine):
        place = address_of(data) if data else None
        layers.append(SealedLayer(change.level, place, len(blobs), *key, members) if place else None)
        blobs.append(data)
    return layers[0], layers[1]


def _at(layers: tuple[SealedLayer, ...], version: tuple[str, int]) -> SealedLayer | None:
    return next((layer for layer in layers if (layer.level, layer.record.seq) == version), None)


def _with_hint(error: NoSuchVariable, change: LevelChange) -> NoSuchVariable:
    if change.operation is Operation.RESTORE:
        return NoSuchVariable(error.text, f"`envfs history {change.level}` lists what each version changed")
    level = change.restore_level or change.level
    return NoSuchVariable(error.text, f"`envfs show {level} --own` lists those that it sets")
