"""A vault: its description, the tree of its levels, and what the keyholder needs to work on them.

Everything here is ciphertext and public facts. The tree index (`tree/<level>/@`, empty files) only saves listing the
history; `envfs verify` checks it against the records.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.addresses import Layer, Place
from envfs.errors import AlreadyExists, NoSuchLevel, NoVault
from envfs.store import Store, Watch
from envfs.vault import description, index, window
from envfs.vault.description import Description
from envfs.vault.memory import Memory, Seen
from envfs.vault.past import Past, PastChain
from envfs.vault.streams import Head, Streams

_MOST_MISSING = 1000  # records of a stream that are told one by one when they are gone
_TRUSTED_NS = 1_000_000  # one open asks for the versions of a chain several times


class Layers(NamedTuple):
    """Layers for a keyholder's request, and the blobs that they point into."""

    layers: tuple[Layer, ...]
    blobs: tuple[bytes, ...]


class Vault:
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
        self.description = description.parse(data)
        self._store = store
        self._streams = Streams(store, memory)
        self._memory = memory
        self._children: dict[str, frozenset[str]] = {}
        self._watches: dict[str, Watch] = {}
        self._chains: dict[str, tuple[int, tuple[Head | None, ...]]] = {}
        self._past = Past(store)

    # -- the tree ------------------------------------------------------------------------------------------------------

    def children(self, level: str) -> frozenset[str]:
        """Return the components directly below a level."""
        folder = "tree" if level == names.ROOT else f"tree{level}"
        watch = self._watches.get(level)
        if watch is None:
            watch = self._watches[level] = self._store.watch(folder)
        if watch.changed() or level not in self._children:
            self._children.pop(level, None)
            below = (key[len(folder) + 1 :].split("/") for key in self._store.list(folder + "/"))
            self._children[level] = frozenset(
                parts[0] for parts in below if len(parts) > 1 and names.is_component(parts[0])
            )
        return self._children[level]

    def exists(self, level: str) -> bool:
        """Tell whether a level is in the tree: it has text, or one below it has."""
        at = names.ROOT
        for step in names.chain(level)[1:]:
            if step.rpartition("/")[2] not in self.children(at):
                return False
            at = step
        return True

    def levels(self) -> tuple[str, ...]:
        """List the whole tree, the top first."""
        found = {names.ROOT}
        for key in self._store.list("tree/"):
            *parts, end = key.split("/")[1:]
            if end == "@" and parts and all(map(names.is_component, parts)):  # others' files are no levels
                found.update(names.chain("/" + "/".join(parts)))
        return tuple(sorted(found))

    def projects(self) -> tuple[str, ...]:
        """List the projects that have a key, by name; the empty name is that of level `/`."""
        keys = (key.rpartition("/")[0] for key in self._store.list("key/") if record.is_key(key))
        found = {stream.removeprefix("key").removeprefix("/") for stream in keys}
        return tuple(sorted(name for name in found if not name or names.is_component(name)))

    def levels_of(self, project: str) -> tuple[str, ...]:
        """List the levels of a project that have text."""
        return tuple(level for level in self.levels() if names.project(level) == project and self.head(level))

    # -- heads and records ---------------------------------------------------------------------------------------------

    def head(self, level: str) -> Head | None:
        """Return the newest record of a level's text."""
        return self._streams.head(record.level_stream(level))

    def key_head(self, project: str) -> Head | None:
        """Return the newest record of a project's key."""
        return self._streams.head(record.key_stream(project))

    def versions(self, level: str) -> tuple[int, ...]:
        """Return the version of each level of a chain, the top first.

        Others' changes are seen within a millisecond, this process's own at once.
        """
        return tuple(head.seq if head else 0 for head in self._chain(level))

    def fingerprint(self, level: str) -> tuple[str, ...]:
        """Return the digest of each level's head in a chain: two views of one fingerprint are the same."""
        return tuple(head.digest if head else "" for head in self._chain(level))

    def _chain(self, level: str) -> tuple[Head | None, ...]:
        now_ns = time.monotonic_ns()
        known = self._chains.get(level)
        if known is not None and now_ns - known[0] < _TRUSTED_NS:
            return known[1]
        heads = tuple(map(self.head, names.chain(level)))
        for project in {names.project(step) for step, head in zip(names.chain(level), heads, strict=True) if head}:
            self.key_head(project)  # a key that was changed since refuses the view, though that is made already
        self._chains[level] = (now_ns, heads)
        return heads

    def chain_at(self, level: str, version: int) -> PastChain:
        """Return versions and digests of a chain as they were when `level` came to be at `version`.

        Raises:
            NoSuchLevel: the level has no such version
        """
        above = self.fingerprint(level)[:-1]
        past, data = self._past, self._data
        return past.get(level, version, above) or past.read(level, self.versions_at(level, version), above, data)

    def versions_at(self, level: str, version: int) -> tuple[int, ...]:
        """Return the versions of a chain as they were when `level` came to be at `version`.

        Raises:
            NoSuchLevel: the level has no such version
        """
        data = self._streams.data(record.level_stream(level), version)
        if data is None:
            raise NoSuchLevel(f"{level} has no version {version}", f"`envfs history {level}` lists them")
        moment = record.parse_header(data).time
        above = names.chain(level)[:-1]
        return (*(self._version_at(step, moment) for step in above), version)

    def _version_at(self, level: str, moment: str) -> int:
        head = self.head(level)
        low, high = 0, head.seq if head else 0
        while low < high:
            middle = (low + high + 1) // 2
            if self.header(level, middle).time <= moment:
                low = middle
            else:
                high = middle - 1
        return low

    def header(self, level: str, version: int) -> record.Header:
        """Return the open part of one record of a level.

        Raises:
            NoSuchLevel: the level has no such version
        """
        return record.parse_header(self._data(level, version))

    def _data(self, level: str, version: int) -> bytes:
        head = self.head(level)
        if head is not None and head.seq == version:
            return head.data
        data = self._streams.data(record.level_stream(level), version)
        if data is None:
            raise NoSuchLevel(f"{level} has no version {version}", f"`envfs history {level}` lists them")
        return data

    def confirm(self, opened: Layers) -> None:
        """Remember records and keys as seen, now that the keyholder has opened them."""
        for layer in opened.layers:
            for place, blob in ((layer.record, layer.record_blob), (layer.key, layer.key_blob)):
                self._streams.confirm(place.stream, Seen(place.seq, record.digest(opened.blobs[blob])))

    # -- what the keyholder is asked with ------------------------------------------------------------------------------

    def place(self, stream: str, seq: int) -> Place:
        """Return where record `seq` of a stream must say that it stands."""
        return Place(self.description.id, stream, seq, self._streams.digest_before(stream, seq))

    def next_place(self, stream: str) -> Place:
        """Return the place of the next record of a stream."""
        head = self._streams.head(stream)
        return Place(self.description.id, stream, head.seq + 1 if head else 1, head.digest if head else "")

    def layers(self, wanted: list[tuple[str, int]]) -> Layers:
        """Gather records (level, version) and their projects' keys; version 0 is left out."""
        blobs: list[bytes] = []
        keys: dict[str, tuple[Place, int]] = {}
        layers = []
        for level, version in wanted:
            if version:
                project = names.project(level)
                if project not in keys:
                    keys[project] = self._key(project, blobs)
                blobs.append(self._data(level, version))
                place = self.place(record.level_stream(level), version)
                layers.append(Layer(level, place, len(blobs) - 1, *keys[project]))
        return Layers(tuple(layers), tuple(blobs))

    def _key(self, project: str, blobs: list[bytes]) -> tuple[Place, int]:
        head = self.key_head(project)
        if head is None:
            raise NoSuchLevel(f"the key of project {project or '/'} is gone from the vault")
        blobs.append(head.data)
        return self.place(record.key_stream(project), head.seq), len(blobs) - 1

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(self, level: str, seq: int, data: bytes) -> bool:
        """Store a new version of a level; False if somebody else took that number."""
        if seq == 1:
            self._list(level)
        done = self._streams.append(record.level_stream(level), seq, data)
        self._chains.clear()
        return done

    def append_key(self, project: str, seq: int, data: bytes) -> bool:
        """Store a new key file of a project; False if somebody else took that number."""
        if seq == 1 and project:
            self._list(names.child(names.ROOT, project))
        return self._streams.append(record.key_stream(project), seq, data)

    def forget_old_keys(self, project: str) -> None:
        """Forget every key file of a project but the newest, which has all that was in them."""
        head = self.key_head(project)
        if head is not None:
            self._streams.forget_before(record.key_stream(project), head.seq)

    def has_old_keys(self, project: str) -> bool:
        """Tell whether a key file before the newest still has its bytes."""
        head = self.key_head(project)
        return head is not None and bool(self._streams.kept_before(record.key_stream(project), head.seq))

    def _list(self, level: str) -> None:
        self._store.put_new("tree/@" if level == names.ROOT else f"tree{level}/@", b"")
        self._children.clear()

    def acceptable(self, level: str) -> int:
        """Return the version that `accept` takes a level for.

        Raises:
            AuthenticationFailed: the newest record of the level, or of its project's key, is empty
        """
        streams = record.key_stream(names.project(level)), record.level_stream(level)
        return [head.seq if (head := self._streams.present(stream)) else 0 for stream in streams][1]

    def accept(self, level: str) -> int:
        """Accept a level and its project's key as they are now; returns the level's version."""
        self._chains.clear()
        self._streams.accept(record.key_stream(names.project(level)))
        head = self._streams.accept(record.level_stream(level))
        return head.seq if head else 0

    # -- what this machine remembers of the vault, and the checkpoints of its log --------------------------------------

    @property
    def memory(self) -> Memory:
        """What this machine has seen of each stream."""
        return self._memory

    def raise_marks(self, marks: Mapping[str, Seen]) -> tuple[str, ...]:
        """Remember the marks that are newer than what was seen; returns their streams."""
        seen = {stream: self._memory.get(stream) for stream in marks}
        newer = [stream for stream, mark in marks.items() if mark.seq > (seen[stream] or Seen(0, "")).seq]
        for stream in newer:
            self._memory.put(stream, marks[stream])
            self._streams.reload(stream)
        if newer:
            self._chains.clear()
        return tuple(newer)

    def append_checkpoint(self, stream: str, seq: int, data: bytes) -> bool:
        """Store a checkpoint; False if somebody else took that number."""
        return self._streams.append(stream, seq, data)

    def remove_checkpoints(self, stream: str, last: int) -> None:
        """Remove the checkpoints that are not kept where `last` is the newest: it says all that they said."""
        self._streams.remove_up_to(stream, window.first_of(last) - 1)

    def take_checkpoints(self, stream: str) -> int:
        """Take a stream of checkpoints as it is now for the truth; returns the number of its newest."""
        return self._streams.take(stream)

    # -- everything, for `envfs verify` --------------------------------------------------------------------------------

    def streams(self) -> tuple[str, ...]:
        """List every stream that has a record or was ever seen."""
        found = {key.rpartition("/")[0] for top in ("key", "level", "log") for key in self._store.list(top + "/")}
        return tuple(sorted(found.union(self._memory.streams())))

    def last(self, stream: str) -> int:
        """Return how many records a stream has in the store, whether they can be read or not."""
        return self._streams.last(stream)

    def stream_head(self, stream: str) -> Head | None:
        """Return the newest record of any stream."""
        return self._streams.head(stream)

    def keys_of(self, stream: str) -> tuple[str, ...]:
        """List the keys of a stream's records as the store has them, others' files among them."""
        return tuple(key for key in self._store.list(stream + "/@") if key.count("/") == stream.count("/") + 1)

    def highest(self, stream: str) -> int:
        """Return the highest number among a stream's records, though some before it may be gone."""
        numbers = [int(key.rpartition("@")[2].partition(".")[0]) for key in self.keys_of(stream) if record.is_key(key)]
        return max((number for number in numbers if number <= len(numbers) + _MOST_MISSING), default=0)

    def index_differences(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the keys of the index that are missing, and those of levels that have nothing at or below them."""
        streams = [stream for stream in self.streams() if self.highest(stream)]
        return index.differences({key for key in self._store.list("tree/") if key.endswith("/@")}, streams)

    def unlist(self, level: str) -> None:
        """Take a level, and those above it, out of the index where nothing was stored at or below them after all."""
        for key in {f"tree{step}/@" for step in names.chain(level)}.intersection(self.index_differences()[1]):
            self._store.remove(key)
        self._children.clear()

    def repair_index(self) -> tuple[str, ...]:
        """Write what is missing in the index; returns its keys."""
        for key in (missing := self.index_differences()[0]):
            self._store.put_new(key, b"")
        self._children.clear()
        return missing

    def read(self, stream: str, seq: int) -> bytes | None:
        """Return the bytes of one record of any stream."""
        return self._streams.data(stream, seq)


def create(store: Store, what: Description) -> None:
    """Write the description of a new vault.

    Raises:
        AlreadyExists: there is a vault already
    """
    if not store.put_new(description.KEY, description.render(what)):
        raise AlreadyExists("there is a vault already", "use it, or choose another folder with ENVFS_HOME")
