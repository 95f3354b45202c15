"""Projects' keys: made with a project's first text or on request, sealed again when somebody else is to hold them.

Laws: a key file appears whole, with every key that the project's records may need, before the one it follows is
forgotten. So whenever a change is interrupted, the newest file opens everything, and the change can be finished.
"""

from collections.abc import Callable
from typing import NamedTuple

from envfs.core import events, keyfile, limits, record
from envfs.core.access.caller import Caller
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Custody
from envfs.core.membership.folding import fold_entries
from envfs.core.names import Project
from envfs.core.operations import KeyOperation
from envfs.core.recipients import plugin_of
from envfs.errors import AlreadyExists, Conflict, NoSuchLevel
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.recorder import Recorder
from envfs.gate.keyholder import Keyholder
from envfs.host import clocks
from envfs.protocol.answers import Stated
from envfs.protocol.keyholding import DescribeKeys, KeysDescribed, Sealed, SealKeys, SignTombstone
from envfs.service.sharing.sharing import VaultSharing
from envfs.vault.streams import Head
from envfs.vault.vault import Vault


class KeyFile(NamedTuple):
    """A project's newest key file: where it stands or will stand, and whether it is still to be stored."""

    place: RecordAddress
    data: bytes
    new: bool


class KeyChange(NamedTuple):
    """A change of a project's keys. `recipients` empty: as before, `fresh`: a new key comes in front.

    `message` goes with the levels that are sealed again.
    """

    operation: KeyOperation
    custody: Custody
    recipients: tuple[str, ...] = ()
    fresh: bool = False
    message: str = ""


class ProjectKeys:
    """The keys of every project of one vault. `recipients` says whom those of new projects are sealed to.

    Key files that machines share are offered to `sharing` first.
    """

    sharing: VaultSharing | None = None

    def __init__(
        self, vault: Vault, keyholder: Keyholder, log: AccessLog, recipients: Callable[[], tuple[str, ...]]
    ) -> None:
        """Keep in `vault` what `keyholder` seals, recorded in `log`."""
        self._vault = vault
        self._keyholder = keyholder
        self._recorder = Recorder(log, vault)
        self._recipients = recipients

    def defaults(self) -> tuple[str, ...]:
        """Return whom the keys of a new project are sealed to: the owner, and the recipients of the settings."""
        return (self._vault.description.recipient, *self._recipients())

    def custody(self, project: Project) -> Custody:
        """Tell who can open a project's keys.

        Raises:
            NoSuchLevel: there is no such project
        """
        return keyfile.custody_of(self._head(project).data)

    async def newest(self, project: Project) -> KeyFile:
        """Return a project's newest key file. One that is made here is stored with the first text that it seals."""
        stream = record.key_stream(project)
        head = self._vault.key_head(project)
        if head is not None:
            return KeyFile(self._vault.place(stream, head.seq), head.data, new=False)
        return await self._sealed(
            project, KeyChange(KeyOperation.CREATE, Custody.MANAGED, self.defaults(), fresh=True), ()
        )

    def store(self, project: Project, file: KeyFile) -> bool:
        """Store a key file that was made. False if somebody else took its number."""
        return self._vault.append_key(project, file.place.seq, file.data)

    async def offer(self, project: Project, file: KeyFile) -> bool:
        """Give a key file to the engine that machines share, before it is stored. False if its number is taken there.

        Two machines that each made a key for one project could not be brought together again, so no key waits.

        Raises:
            StoreUnavailable: the engine is away
        """
        if self.sharing is None:
            return True
        return await self.sharing.offer(record.record_key(record.key_stream(project), file.place.seq), file.data)

    def is_newest(self, project: Project, file: KeyFile) -> bool:
        """Tell whether a key file that was found is still the newest."""
        head = self._vault.key_head(project)
        return head is not None and head.seq == file.place.seq

    async def create(self, caller: Caller, project: Project, custody: Custody, descriptors: tuple[int, ...]) -> None:
        """Make a project that has a key and no text yet.

        Raises:
            AlreadyExists: it has a key already
        """
        if self._vault.key_head(project) is not None:
            raise AlreadyExists(f"project {project} has a key already", "`envfs project ls` lists it")
        recipients = self.defaults() if custody == Custody.MANAGED else ()
        await self.change(caller, project, KeyChange(KeyOperation.CREATE, custody, recipients, fresh=True), descriptors)

    async def change(self, caller: Caller, project: Project, change: KeyChange, descriptors: tuple[int, ...]) -> None:
        """Seal a project's keys again and store the file. The ones before it are still there.

        Raises:
            Conflict: somebody else changed the keys meanwhile
        """
        file = await self._sealed(project, change, descriptors)
        is_ours, before = await self.offer(project, file), b""
        if not is_ours:
            before = await self._of_former_member(file.place)
        if before:
            place = file.place._replace(seq=file.place.seq + 1, prev=record.digest(before))
            file = await self._sealed(project, change, descriptors, place)
            is_ours = await self.offer(project, file)

        def store() -> bool:
            if before and not self._vault.append_key(project, file.place.seq - 1, before):
                return False
            return self.store(project, file)

        event = events.keys_changed(project, file.place.seq, change.operation, change.custody)
        if not is_ours or not self._recorder.carry_out(event, caller, file.data, store):
            raise Conflict(f"the keys of {project} were changed by another process meanwhile", "look, and try again")

    async def _of_former_member(self, place: RecordAddress) -> bytes:
        # what an administrator stored at the engine while they were taken out holds its number, and no more
        return await self.sharing.never_counts(place.stream, place.seq) if self.sharing else b""

    async def describe(self, project: Project) -> KeysDescribed:
        """Name a project's keys, the newest first, and whom they are sealed to."""
        head = self._head(project)
        place = self._vault.place(record.key_stream(project), head.seq)
        blobs = [head.data]
        request = DescribeKeys(place, self._vault.add_members(blobs))
        answer = await self._keyholder.ask(request, KeysDescribed, blobs)
        return answer.message

    async def behind(self, project: Project) -> list[str]:
        """List the levels of a project whose newest text is not sealed with its newest key."""
        newest = (await self.describe(project)).kids[0]
        heads = [(level, self._vault.head(level)) for level in self._vault.levels_of(project)]
        return [level for level, head in heads if head and record.parse_record(head.data).header.kid != newest]

    async def forget_old(self, project: Project) -> None:
        """Forget the key files before the newest: whoever could open one of them opens nothing with it any more.

        A tombstone says so first. A file that came back from a copy has its tombstone already.

        Raises:
            Conflict: somebody else writes tombstones of the same keys
        """
        stream, numbers = record.key_stream(project), self._vault.old_keys(project)
        named = self._vault.forgotten(stream)
        files = {seq: data for seq in numbers if seq not in named and (data := self._vault.read(stream, seq))}
        if files:
            older_files = range(1, self._head(project).seq)
            lost = tuple(seq for seq in older_files if seq not in named and seq not in numbers)
            place = self._vault.next_place(record.tombstone_stream(stream))
            blobs = [*files.values()]
            members, lost = self._vault.add_members(blobs), lost[-limits.TOMBSTONE_RECORDS // 2 :]
            request = SignTombstone(place, clocks.wall_time(), tuple(files), lost, members=members)
            answer = await self._keyholder.ask(request, Stated, blobs)
            key = record.record_key(place.stream, place.seq)
            is_ours = self.sharing is None or await self.sharing.offer(key, answer.blobs[0])
            if not is_ours or not self._vault.append_tombstone(stream, place.seq, answer.blobs[0]):
                raise Conflict(
                    f"the keys of {project} were changed by another process meanwhile", "look, and try again"
                )
        self._vault.forget_old_keys(project)

    async def _sealed(
        self, project: Project, change: KeyChange, descriptors: tuple[int, ...], place: RecordAddress | None = None
    ) -> KeyFile:
        stream = record.key_stream(project)
        head, place = self._vault.key_head(project), place or self._vault.next_place(stream)
        time = clocks.wall_time()
        recipients = self._members_of(project, time) or change.recipients
        if head and change.custody == Custody.MANAGED and not recipients:
            recipients = (await self.describe(project)).recipients
        blobs = [head.data] if head else []
        request = SealKeys(
            place=place,
            time=time,
            custody=change.custody,
            recipients=recipients,
            plugins=any(map(plugin_of, recipients)),
            fresh=change.fresh,
            head=self._vault.place(stream, head.seq) if head else None,
            members=self._vault.add_members(blobs),
        )
        answer = await self._keyholder.ask(request, Sealed, blobs, descriptors)
        return KeyFile(place, answer.blobs[0], new=True)

    def _members_of(self, project: Project, time: str) -> tuple[str, ...]:
        # in a shared vault the keyholder takes those whom the list has, whatever is asked for
        records: list[bytes] = []
        if self._vault.add_members(records) is None:
            return ()
        roster = fold_entries(self._vault.description.signing_key, records).now
        return roster.recipients(project, time) if roster.shared else ()

    def _head(self, project: Project) -> Head:
        head = self._vault.key_head(project)
        if head is None:
            raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
        return head
