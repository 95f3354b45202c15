"""The plan of a catch-up: which records a mirror lacks, and which ones its engine does. Numbers alone decide.

Laws: authors come before keys, keys before tombstones, and these before texts, so that each record is checked by what
came before it. Within a stream the numbers go up. Nothing is ever planned away.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.shared_logs import is_audit_stream
from envfs.errors import EnvFSError


class RecordRange(NamedTuple):
    """Records of one stream, from number `first` to number `last`."""

    stream: str
    first: int
    last: int

    def record_keys(self) -> tuple[str, ...]:
        """List the keys of the store that they have."""
        return tuple(record.record_key(self.stream, seq) for seq in range(self.first, self.last + 1))


class CatchUp(NamedTuple):
    """The records that a mirror has to fetch, in order, and those that it has to give back to an engine with less."""

    fetch: tuple[RecordRange, ...]
    give_back: tuple[RecordRange, ...]

    @property
    def behind(self) -> int:
        """How many records the mirror lacks."""
        return sum(span.last - span.first + 1 for span in self.fetch)

    @property
    def ahead(self) -> int:
        """How many records the engine lacks."""
        return sum(span.last - span.first + 1 for span in self.give_back)


def plan_catch_up(mirror: Mapping[str, int], engine: Mapping[str, int]) -> CatchUp:
    """Compare the newest numbers of streams. Streams that machines do not share are passed over."""
    streams = sorted(filter(is_shared, {*mirror, *engine}), key=by_kind)
    pairs = [(stream, mirror.get(stream, 0), engine.get(stream, 0)) for stream in streams]
    return CatchUp(
        tuple(RecordRange(stream, mine + 1, theirs) for stream, mine, theirs in pairs if theirs > mine),
        tuple(RecordRange(stream, theirs + 1, mine) for stream, mine, theirs in pairs if mine > theirs),
    )


def is_shared(stream: str) -> bool:
    """Tell whether machines share a stream, and it is one: an engine may name anything."""
    mourned = record.forgotten_stream(stream)
    if mourned:
        return (record.is_level_stream(mourned) or record.is_key_stream(mourned)) and is_shared(mourned)
    if record.is_level_stream(stream):
        return _is_level(stream.removeprefix("level") or names.ROOT)
    if record.is_key_stream(stream):
        project = stream.removeprefix("key") or names.ROOT
        return _is_level(project) and names.project(project) == project
    return stream == record.MEMBERS or is_audit_stream(stream)


def batches(
    ranges: Sequence[RecordRange], most: int, without: Container[str] = ()
) -> Iterator[tuple[RecordRange, ...]]:
    """Cut ranges into batches of at most so many records, in their order. A batch is of one kind of stream.

    Of a stream that is in `without`, or comes into it meanwhile, there are no more.
    """
    batch: list[RecordRange] = []
    left = most
    for span in ranges:
        first = span.first
        if batch and by_kind(span.stream)[0] != by_kind(batch[0].stream)[0]:
            yield tuple(batch)
            batch, left = [], most
        while first <= span.last and span.stream not in without:
            last = min(span.last, first + left - 1)
            batch.append(RecordRange(span.stream, first, last))
            left -= last - first + 1
            first = last + 1
            if not left:
                yield tuple(batch)
                batch, left = [], most
    if batch:
        yield tuple(batch)


def is_held_up(stream: str, forked: Container[str]) -> bool:
    """Tell whether nothing of a stream is exchanged: it is forked, or what its records are checked by."""
    return stream in forked or record.MEMBERS in forked or key_stream_of(stream) in forked


def key_stream_of(stream: str) -> str:
    """Return the stream of the keys that a level's texts are sealed with. Empty for another stream."""
    if not record.is_level_stream(stream):
        return ""
    return record.key_stream(names.project(stream.removeprefix("level") or names.ROOT))


def level_of_stream(stream: str) -> str:
    """Return the level that a stream is about: its own, its project's, or that of all projects."""
    of = record.forgotten_stream(stream) or stream
    if record.is_key_stream(of):
        return record.project_of_stream(of)
    return of.removeprefix("level") or names.ROOT if record.is_level_stream(of) else names.ROOT


def by_kind(stream: str) -> tuple[int, str]:
    """Return a key to sort streams by: those come first that others are checked by."""
    if stream == record.MEMBERS:
        return 0, stream
    if record.is_key_stream(stream):
        return 1, stream
    if is_audit_stream(stream):
        return 4, stream
    return (2 if record.forgotten_stream(stream) else 3), stream


def _is_level(path: str) -> bool:
    try:
        return names.parse_level(path) == path
    except EnvFSError:
        return False
