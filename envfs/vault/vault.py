"""A vault: its description, its records, and what the keyholder needs to work on them.

Everything here is ciphertext and public facts. `vault.tree` has the levels, `vault.past` the old versions,
`vault.inventory` what `envfs verify` goes through.
"""

from collections.abc import Mapping
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.addresses import MemberRecords, RecordAddress, SealedLayer
from envfs.core.version_choice import VersionChoice
from envfs.errors import AlreadyExists, NoSuchLevel, NoVault
from envfs.store import Store
from envfs.vault import description, window
from envfs.vault.chains import Chains
from envfs.vault.counting import CountingRecords
from envfs.vault.description import Description
from envfs.vault.high_water import Memory, Seen
from envfs.vault.inventory import Inventory, is_removed
from envfs.vault.past import Past, PastChain
from envfs.vault.streams import Head, Streams

_NOTHING = Seen(0, "")


class LayerBlobs(NamedTuple):
    """Layers for a keyholder's request, and the blobs that they point into."""

    layers: tuple[SealedLayer, ...]
    blobs: tuple[bytes, ...]


class Vault(Inventory):
    """One vault in one store."""

    def __init__(self, store: Store, memory: Memory) -> None:
        """Open the vault that is in `store`.

        Raises:
            NoVault: there is none
            UnsupportedFormat: it is of another format
        """
        data = store.get(description.KEY)
        if data is None:
            raise NoVault("there is no vault here", "make one with `envfs init`")
        self.description = description.parse_description(data)
        super().__init__(store, Streams(store, memory), memory)
        self._past = Past(store, self._streams)
        self._counting = CountingRecords(self._streams, self.description.signing_key)
        self._chains = Chains(self._streams, self._counting)

    # -- levels, heads and records ------------------------------------------------------------------------------------

    def levels_of(self, project: names.Project) -> tuple[str, ...]:
        """List the levels of a project that have text."""
        return tuple(level for level in self.levels() if names.project(level) == project and self.head(level))

    def head(self, level: str) -> Head | None:
        """Return the newest record of a level's text that counts."""
        stream = record.level_stream(level)
        return self._counting.newest(stream, self._streams.head(stream))

    def key_head(self, project: names.Project) -> Head | None:
        """Return the newest record of a project's key."""
        return self._streams.head(record.key_stream(project))

    def versions(self, level: str) -> tuple[int, ...]:
        """Return the version of each level of a chain, the top first.

        Others' changes are seen within a millisecond, this process's own at once.
        """
        return self._chains.of(level).versions

    def fingerprint(self, level: str) -> tuple[str, ...]:
        """Return the digest of each level's head in a chain: two views of one fingerprint are the same."""
        return self._chains.of(level).fingerprint

    def chain_at(self, level: str, version: int) -> PastChain:
        """Return versions and digests of a chain as they were when that version of `level` was written.

        Raises:
            NoSuchLevel: the level has no such version
        """
        return self._past.chain_at(level, version, self.fingerprint(level)[:-1])

    def chosen(self, level: str, choice: VersionChoice) -> int:
        """Return the number of the version that is meant. 0 if there is none, or the newest is meant.

        Raises:
            NoSuchLevel: the level has fewer versions than are counted back
        """
        return self._past.chosen(level, choice)

    def chain_at_moment(self, level: str, moment: str) -> PastChain:
        """Return versions and digests of a chain as they were at a moment (UTC as records have it)."""
        return self._past.chain_at_moment(level, moment)

    def versions_at(self, level: str, version: int) -> tuple[int, ...]:
        """Return the versions of a chain as they were when that version of `level` was written.

        Raises:
            NoSuchLevel: the level has no such version
        """
        return self._past.versions_at(level, version)

    def header(self, level: str, version: int) -> record.RecordHeader:
        """Return the open part of one record of a level.

        Raises:
            NoSuchLevel: the level has no such version
        """
        return record.parse_header(self._past.data(level, version))

    def confirm(self, opened: LayerBlobs) -> None:
        """Remember records, keys and members as seen, now that the keyholder has opened them."""
        for layer in opened.layers:
            for place, blob in ((layer.record, layer.record_blob), (layer.key, layer.key_blob)):
                self._streams.confirm(place.stream, Seen(place.seq, record.digest(opened.blobs[blob])))
        for members in {layer.members for layer in opened.layers}:
            self.confirm_members(members, opened.blobs)

    def confirm_members(self, members: MemberRecords | None, blobs: tuple[bytes, ...]) -> None:
        """Remember the list of authors as seen, now that the keyholder has checked it."""
        if members is not None:
            newest = blobs[members.blob + members.number - 1]
            self._streams.confirm(record.MEMBERS, Seen(members.number, record.digest(newest)))

    # -- what the keyholder is asked with ------------------------------------------------------------------------------

    def place(self, stream: str, seq: int) -> RecordAddress:
        """Return where record `seq` of a stream must say that it stands."""
        return RecordAddress(self.description.id, stream, seq, self._streams.digest_before(stream, seq))

    def next_place(self, stream: str) -> RecordAddress:
        """Return the place of the next record of a stream."""
        head = self._streams.head(stream)
        return RecordAddress(self.description.id, stream, head.seq + 1 if head else 1, head.digest if head else "")

    def layers(self, wanted: list[tuple[str, int]]) -> LayerBlobs:
        """Gather records (level, version) and their projects' keys. Version 0 is left out."""
        blobs: list[bytes] = []
        keys: dict[names.Project, tuple[RecordAddress, int]] = {}
        layers = []
        members = self.add_members(blobs) if any(version for _, version in wanted) else None
        for level, version in wanted:
            if version:
                project = names.project(level)
                if project not in keys:
                    keys[project] = self._key(project, blobs)
                blobs.append(self._past.data(level, version))
                stream = record.level_stream(level)
                self._counting.check_past(stream, version, self._streams.head(stream))
                place = self.place(record.level_stream(level), version)
                layers.append(SealedLayer(level, place, len(blobs) - 1, *keys[project], members))
        return LayerBlobs(tuple(layers), tuple(blobs))

    def add_members(self, blobs: list[bytes]) -> MemberRecords | None:
        """Put the records of the stream `member` behind other blobs. None if the vault has one author."""
        head = self._streams.head(record.MEMBERS)
        if head is None:
            return None
        self._counting.has_list = True
        first = len(blobs)
        blobs.extend(self._streams.data(record.MEMBERS, seq) or b"" for seq in range(1, head.seq + 1))
        return MemberRecords(first, head.seq)

    def append_member(self, seq: int, data: bytes) -> bool:
        """Store an entry of the list of members. False if somebody else took that number."""
        return self._streams.append(record.MEMBERS, seq, data)

    def _key(self, project: names.Project, blobs: list[bytes]) -> tuple[RecordAddress, int]:
        head = self.key_head(project)
        if head is None:
            raise NoSuchLevel(f"the key of project {project} is gone from the vault")
        blobs.append(head.data)
        return self.place(record.key_stream(project), head.seq), len(blobs) - 1

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(self, level: str, seq: int, data: bytes) -> bool:
        """Store a new version of a level. False if somebody else took that number."""
        is_gone = is_removed(data)
        if not is_gone and (seq == 1 or self.is_removed(level)):
            self.add_level(level)
        done = self._streams.append(record.level_stream(level), seq, data)
        self._chains.clear()
        if done and is_gone:
            self.remove_level(level)  # if that is not done, the level is listed with an empty text until it is
        return done

    def is_removed(self, level: str) -> bool:
        """Tell whether the newest version of a level says that it was removed."""
        head = self.head(level)
        return head is not None and is_removed(head.data)

    def removed_levels(self) -> tuple[str, ...]:
        """List the levels that were removed, and have versions before that."""
        streams = filter(record.is_level_stream, self.streams())
        levels = (stream.removeprefix("level") or names.ROOT for stream in streams)
        return tuple(level for level in levels if self.is_removed(level))

    def present_versions(self, level: str, before: int) -> list[int]:
        """List the versions of a level before one that have their bytes."""
        return self._streams.kept_before(record.level_stream(level), before)

    def first_since(self, level: str, time: str) -> int:
        """Return the first version of a level that was written at a time (UTC, as records have it) or after it.

        If there is none, the newest.
        """
        return self._past.first_since(level, time)

    def forget_versions(self, level: str, versions: list[int]) -> None:
        """Forget the bytes of versions that a tombstone names. A thread may do it."""
        self._streams.forget(record.level_stream(level), *versions)

    def append_key(self, project: names.Project, seq: int, data: bytes) -> bool:
        """Store a new key file of a project. False if somebody else took that number."""
        if seq == 1 and project != names.ROOT:
            self.add_level(project)
        return self._append_offered(record.key_stream(project), seq, data)

    def _append_offered(self, stream: str, seq: int, data: bytes) -> bool:
        # an engine that was given it first may have sent it back already
        return self._streams.append(stream, seq, data) or self._streams.data(stream, seq) == data

    def forget_old_keys(self, project: names.Project) -> None:
        """Forget every key file of a project but the newest, which has all that was in them."""
        self._streams.forget(record.key_stream(project), *self.old_keys(project))

    def old_keys(self, project: names.Project) -> list[int]:
        """List the key files before a project's newest that still have their bytes, or have them back from a copy."""
        head = self.key_head(project)
        return self._streams.kept_before(record.key_stream(project), head.seq) if head is not None else []

    def has_old_keys(self, project: names.Project) -> bool:
        """Tell whether there are such key files."""
        return bool(self.old_keys(project))

    def forgotten(self, stream: str) -> dict[int, str]:
        """Return the digests of the records that a stream's tombstones name, whoever signed them."""
        return self._streams.forgotten(stream)

    def forgotten_versions(self, level: str) -> frozenset[int]:
        """Return the versions of a level that its tombstones name, whoever signed them."""
        return self._past.forgotten_versions(level)

    def append_tombstone(self, stream: str, seq: int, data: bytes) -> bool:
        """Store a tombstone of a stream. False if somebody else took that number."""
        return self._append_offered(record.tombstone_stream(stream), seq, data)

    def acceptable(self, level: str) -> int:
        """Return the version that `accept` takes a level for.

        Raises:
            AuthenticationFailed: the newest record of the level, or of its project's key, is empty
        """
        streams = record.key_stream(names.project(level)), record.level_stream(level)
        return [head.seq if (head := self._streams.present(stream)) else 0 for stream in streams][1]

    def accept(self, level: str) -> int:
        """Accept a level and its project's key as they are now. Returns the level's version."""
        self._chains.clear()
        key_stream, level_stream = record.key_stream(names.project(level)), record.level_stream(level)
        self._streams.accept(key_stream)
        head = self._streams.accept(level_stream)
        for stream in (*map(record.tombstone_stream, (key_stream, level_stream)), record.MEMBERS):
            if self._memory.get(stream) is not None:
                self._streams.take(stream)
        return head.seq if head else 0

    def look_again(self, stream: str) -> None:
        """Look at a stream again: records came, or those that waited changed, and its folder does not tell of that."""
        self._streams.reload(stream)
        self._chains.clear()
        self._children.clear()

    def confirm_record(self, stream: str, seq: int, data: bytes) -> None:
        """Remember a record that came from elsewhere and was checked, and look at its stream again."""
        self._streams.confirm(stream, Seen(seq, record.digest(data)))
        self.look_again(stream)

    # -- what this machine remembers of the vault, and the checkpoints of its log --------------------------------------

    @property
    def memory(self) -> Memory:
        """The high-water marks of this machine."""
        return self._memory

    def raise_marks(self, marks: Mapping[str, Seen]) -> tuple[str, ...]:
        """Remember the marks that are newer than what was seen. Returns their streams."""
        seen = {stream: self._memory.get(stream) for stream in marks}
        newer = [stream for stream, mark in marks.items() if mark.seq > (seen[stream] or Seen(0, "")).seq]
        for stream in newer:
            self._memory.put(stream, marks[stream])
            self._streams.reload(stream)
        if newer:
            self._chains.clear()
        return tuple(newer)

    def append_checkpoint(self, stream: str, seq: int, data: bytes) -> bool:
        """Store a checkpoint. False if somebody else took that number."""
        return self._streams.append(stream, seq, data)

    def remove_checkpoints(self, stream: str, last: int) -> None:
        """Remove the checkpoints that are not kept where `last` is the newest: it says all that they said."""
        self._streams.remove_up_to(stream, window.first_of(last) - 1)

    def take_checkpoints(self, stream: str) -> int:
        """Take a stream of checkpoints as it is now for the truth. Returns the number of its newest."""
        return self._streams.take(stream)


def write_vault(store: Store, what: Description) -> None:
    """Write the description of a new vault.

    Raises:
        AlreadyExists: there is a vault already
    """
    if not store.put_new(description.KEY, description.render_description(what)):
        raise AlreadyExists("there is a vault already", "use it, or choose another folder with ENVFS_HOME")
