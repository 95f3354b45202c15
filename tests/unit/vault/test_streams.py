"""Streams: the head is found without listing, appended to without overwriting, and never goes back in time quietly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import record, statements, tombstones
from envfs.core.record import Point, Record, RecordHeader
from envfs.errors import AuthenticationFailed, RolledBack, StoreUnavailable
from envfs.vault.high_water import Memory, Seen
from envfs.vault.streams import Head, Streams

KEY, LEVEL = "key/shop", "level/shop"


class Counter:
    """A watch that says what it is told."""

    def __init__(self) -> None:
        self.news = True

    def changed(self) -> bool:
        news, self.news = self.news, False
        return news


class Counting:
    """A store in a dict; counts what it is asked, and can be made to fail."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.gets = 0
        self.broken = False
        self.watches: list[Counter] = []

    def get(self, key: str) -> bytes | None:
        self.gets += 1
        if self.broken:
            raise StoreUnavailable("cannot read the vault")
        return self.data.get(key)

    def put_new(self, key: str, data: bytes) -> bool:
        if key in self.data:
            return False
        self.data[key] = data
        return True

    def list(self, prefix: str) -> Iterator[str]:
        pytest.fail("a head is found without listing")

    def watch(self, prefix: str) -> Counter:
        self.watches.append(Counter())
        return self.watches[-1]

    def delete(self, key: str) -> None:
        self.data.pop(key, None)

    def remove(self, key: str) -> None:
        self.data.pop(key, None)

    def news(self) -> None:
        for watch in self.watches:
            watch.news = True


class Many(Counting):
    """A store with `count` records in every stream, made up when they are asked for."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def get(self, key: str) -> bytes | None:
        super().get(key)
        number = int(key.rpartition("@")[2].partition(".")[0])
        return f"record {number}".encode() if 1 <= number <= self.count else None


@pytest.fixture
def store() -> Counting:
    return Counting()


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "seen.jsonl")


@pytest.fixture
def streams(store: Counting, memory: Memory) -> Streams:
    return Streams(store, memory)


def sealed(seq: int, prev: str, note: str = "") -> bytes:
    header = RecordHeader("kid", "vault", LEVEL, seq, prev, "author", "2026-11-21T08:09:10.123456Z")
    made = Record(header, record.protect_header(header), b"i" * 12, f"text {seq} {note}".encode(), b"t" * 16, b"s" * 64)
    return record.render_record(made)


def fill(store: Counting, count: int, stream: str = LEVEL, note: str = "") -> None:
    prev = ""
    for seq in range(1, count + 1):
        data = sealed(seq, prev, note)
        store.data[record.record_key(stream, seq)] = data
        prev = record.digest(data)


def seen(streams: Streams, stream: str = LEVEL) -> None:
    """Let this machine have seen a head: it was found, and what it holds was opened."""
    head = streams.head(stream)
    if head is not None:
        streams.confirm(stream, Seen(head.seq, head.digest))


# -- finding the head --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128, 129])
def test_the_head_is_found_whatever_the_number_of_records(store: Counting, streams: Streams, count: int) -> None:
    fill(store, count)
    head = streams.head(LEVEL)
    if count == 0:
        assert head is None
        return
    data = store.data[record.record_key(LEVEL, count)]
    assert head == Head(count, record.digest(data), data)


@pytest.mark.parametrize("count", [10, 1000, 100_000, 1_000_000])
def test_the_head_is_found_in_few_steps(memory: Memory, count: int) -> None:
    store = Many(count)
    head = Streams(store, memory).head(KEY)
    assert head is not None
    assert head.seq == count
    assert store.gets <= 2 * count.bit_length() + 4


@pytest.mark.parametrize("new", [0, 1, 2, 50, 1000])
def test_from_what_was_seen_before_it_takes_as_few_steps_as_there_is_news(memory: Memory, new: int) -> None:
    seen = 100_000
    memory.put(KEY, Seen(seen, record.digest(f"record {seen}".encode())))
    store = Many(seen + new)
    head = Streams(store, memory).head(KEY)
    assert head is not None
    assert head.seq == seen + new
    assert store.gets <= 2 * new.bit_length() + 6


@pytest.mark.parametrize("count", [0, 1, 5])
def test_while_nothing_changes_the_store_is_not_asked_again(store: Counting, streams: Streams, count: int) -> None:
    fill(store, count)
    for _ in range(3):  # new watches may tell of a change that was seen already
        streams.head(LEVEL)
    store.gets = 0
    for _ in range(10):
        streams.head(LEVEL)
    assert store.gets == 0


def test_a_head_that_was_seen_before_is_read_once(memory: Memory) -> None:
    store = Counting()
    fill(store, 3)
    memory.put(LEVEL, Seen(3, record.digest(store.data[record.record_key(LEVEL, 3)])))
    head = Streams(store, memory).head(LEVEL)
    assert head is not None
    assert (head.seq, store.gets) == (3, 2)  # the second look is for the one after it


def test_what_another_process_appended_is_found(store: Counting, streams: Streams) -> None:
    fill(store, 5)
    streams.head(LEVEL)
    fill(store, 9)
    store.news()
    head = streams.head(LEVEL)
    assert head is not None
    assert head.seq == 9


def test_a_head_is_remembered_once_it_was_opened_and_not_before(
    store: Counting, streams: Streams, memory: Memory
) -> None:
    fill(store, 3)
    head = streams.head(LEVEL)
    assert head is not None
    assert memory.get(LEVEL) is None
    streams.confirm(LEVEL, Seen(head.seq, head.digest))
    assert memory.get(LEVEL) == Seen(3, head.digest)


def test_a_head_that_was_never_opened_may_go_again(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    seen(streams)
    store.data[record.record_key(LEVEL, 4)] = sealed(
        4, record.digest(store.data[record.record_key(LEVEL, 3)]), "forged"
    )
    store.news()
    assert (streams.head(LEVEL) or Head(0, "", b"")).seq == 4
    store.delete(record.record_key(LEVEL, 4))
    store.news()
    assert (streams.head(LEVEL) or Head(0, "", b"")).seq == 3


# -- appending ---------------------------------------------------------------------------------------------------------


def test_an_appended_record_is_the_head_and_remembered(store: Counting, streams: Streams, memory: Memory) -> None:
    assert streams.append(KEY, 1, b"one")
    assert streams.append(KEY, 2, b"two")
    assert streams.head(KEY) == Head(2, record.digest(b"two"), b"two")
    assert memory.get(KEY) == Seen(2, record.digest(b"two"))
    assert store.data == {record.record_key(KEY, 1): b"one", record.record_key(KEY, 2): b"two"}


def test_a_number_that_somebody_else_took_is_not_taken_from_them(store: Counting, streams: Streams) -> None:
    streams.append(KEY, 1, b"one")
    store.data[record.record_key(KEY, 2)] = b"theirs"
    assert streams.append(KEY, 2, b"ours") is False
    assert streams.head(KEY) == Head(2, record.digest(b"theirs"), b"theirs")


@pytest.mark.parametrize("seq", [0, -1])
def test_there_is_no_record_before_the_first(store: Counting, streams: Streams, seq: int) -> None:
    store.data[record.record_key(KEY, 0)] = b"x"
    assert streams.data(KEY, seq) is None


# -- going back in time ------------------------------------------------------------------------------------------------


def cut(store: Counting) -> None:
    store.delete(record.record_key(LEVEL, 5))


def emptied(store: Counting) -> None:
    store.data.clear()


def other_history(store: Counting) -> None:
    store.data.clear()
    fill(store, 9, note="another")


def head_replaced(store: Counting) -> None:
    store.data[record.record_key(LEVEL, 5)] = sealed(
        5, record.digest(store.data[record.record_key(LEVEL, 4)]), "another"
    )


HARMS = [cut, emptied, other_history, head_replaced]


@pytest.mark.parametrize("harm", HARMS)
def test_a_stream_that_went_back_is_refused_until_a_person_accepts_it(
    store: Counting, streams: Streams, harm: object
) -> None:
    fill(store, 5)
    seen(streams)
    harm(store)  # type: ignore[operator]
    store.news()
    for _ in range(3):  # and not only at the first look
        with pytest.raises(RolledBack) as caught:
            streams.head(LEVEL)
    assert LEVEL in caught.value.text
    assert "envfs accept" in caught.value.hint
    accepted = streams.accept(LEVEL)
    assert streams.head(LEVEL) == accepted
    store.news()
    assert streams.head(LEVEL) == accepted


@pytest.mark.parametrize("harm", HARMS)
def test_a_stream_that_went_back_between_two_starts_is_refused(store: Counting, memory: Memory, harm: object) -> None:
    fill(store, 5)
    seen(Streams(store, memory))
    harm(store)  # type: ignore[operator]
    streams = Streams(store, memory)
    for _ in range(3):
        with pytest.raises(RolledBack):
            streams.head(LEVEL)


def test_what_was_accepted_is_remembered_over_a_start(store: Counting, memory: Memory) -> None:
    fill(store, 5)
    seen(Streams(store, memory))
    cut(store)
    Streams(store, memory).accept(LEVEL)
    head = Streams(store, memory).head(LEVEL)
    assert head is not None
    assert head.seq == 4


def test_an_accepted_emptiness_is_a_stream_without_records(store: Counting, memory: Memory) -> None:
    fill(store, 5)
    seen(Streams(store, memory))
    emptied(store)
    streams = Streams(store, memory)
    assert streams.accept(LEVEL) is None
    assert streams.head(LEVEL) is None
    assert streams.append(LEVEL, 1, sealed(1, ""))


def test_after_a_head_was_accepted_going_back_further_is_refused(store: Counting, streams: Streams) -> None:
    fill(store, 5)
    seen(streams)
    cut(store)
    streams.accept(LEVEL)
    store.delete(record.record_key(LEVEL, 4))
    store.news()
    with pytest.raises(RolledBack):
        streams.head(LEVEL)


def test_a_store_that_fails_for_a_while_is_asked_again(store: Counting, streams: Streams) -> None:
    fill(store, 5)
    seen(streams)
    fill(store, 7)
    store.news()
    store.broken = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            streams.head(LEVEL)
    store.broken = False
    head = streams.head(LEVEL)
    assert head is not None
    assert head.seq == 7


# -- links between records ---------------------------------------------------------------------------------------------


def test_a_head_that_does_not_follow_is_refused_every_time(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    store.data[record.record_key(LEVEL, 4)] = sealed(4, "elsewhere")
    for _ in range(3):
        with pytest.raises(AuthenticationFailed, match="record 4"):
            streams.head(LEVEL)


def test_a_new_head_that_does_not_follow_is_refused_every_time(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    streams.head(LEVEL)
    store.data[record.record_key(LEVEL, 4)] = sealed(4, "elsewhere")
    store.news()
    for _ in range(3):
        with pytest.raises(AuthenticationFailed, match="record 4"):
            streams.head(LEVEL)


def test_a_gap_before_the_head_is_refused(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    store.delete(record.record_key(LEVEL, 2))
    with pytest.raises(AuthenticationFailed, match="record 2"):
        streams.head(LEVEL)


def test_a_first_record_that_follows_from_something_is_refused(store: Counting, streams: Streams) -> None:
    store.data[record.record_key(LEVEL, 1)] = sealed(1, "something")
    with pytest.raises(AuthenticationFailed):
        streams.head(LEVEL)


def test_a_head_that_is_no_record_is_refused(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    store.data[record.record_key(LEVEL, 4)] = b"{}"
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            streams.head(LEVEL)


def test_streams_do_not_mix(store: Counting, streams: Streams) -> None:
    streams.append("key", 1, b"root")
    streams.append("key/shop", 1, b"shop")
    assert streams.head("key") == Head(1, record.digest(b"root"), b"root")
    assert streams.head("key/shop") == Head(1, record.digest(b"shop"), b"shop")
    assert streams.head("key/shopping") is None


# -- what was forgotten ------------------------------------------------------------------------------------------------


def test_a_key_file_that_was_forgotten_is_no_rollback_and_binds_the_next_one(store: Counting, streams: Streams) -> None:
    store.data[record.record_key(KEY, 1)] = b"first"
    seen(streams, KEY)
    store.data |= {record.record_key(KEY, 1): b"", record.record_key(KEY, 2): b"second"}
    store.news()
    head = streams.head(KEY)
    assert head is not None
    assert (head.seq, head.data) == (2, b"second")
    assert streams.digest_before(KEY, 2) == record.digest(b"first")
    seen(streams, KEY)
    assert streams.digest_before(KEY, 2) == record.FORGOTTEN


def test_an_emptied_key_file_that_nothing_follows_is_refused(store: Counting, streams: Streams) -> None:
    store.data[record.record_key(KEY, 1)] = b"first"
    seen(streams, KEY)
    store.data[record.record_key(KEY, 1)] = b""
    store.news()
    with pytest.raises(RolledBack):
        streams.head(KEY)


def test_nobody_forgets_a_text(store: Counting, streams: Streams) -> None:
    """An emptied text is damage: what follows it must name the text that was there."""
    fill(store, 2)
    seen(streams)
    first = record.digest(store.data[record.record_key(LEVEL, 1)])
    store.data[record.record_key(LEVEL, 1)] = b""
    assert streams.digest_before(LEVEL, 2) not in (record.FORGOTTEN, first)


def test_a_text_that_was_seen_and_emptied_is_refused_though_others_follow(store: Counting, streams: Streams) -> None:
    fill(store, 2)
    seen(streams)
    fill(store, 3)
    store.data[record.record_key(LEVEL, 2)] = b""
    store.news()
    with pytest.raises(RolledBack):
        streams.head(LEVEL)


# -- tombstones --------------------------------------------------------------------------------------------------------


def bury(store: Counting, *numbers: int, digest: str = "", at: int = 1) -> None:
    """Put a tombstone of some texts, which names what stands there now, and empty them; no signature is checked."""
    keys = [record.record_key(LEVEL, number) for number in numbers]
    points = [
        Point(number, digest or record.digest(store.data[key])) for number, key in zip(numbers, keys, strict=True)
    ]
    place = statements.StatementHeader("vault", f"tombstone/{LEVEL}", at, "", "author", "2026-11-21T08:09:10.123456Z")
    protected = statements.protect_statement(place, statements.StatementType.TOMBSTONE)
    stone = statements.render_statement(protected, tombstones.tombstone_payload(points), b"s" * 64)
    store.data |= {record.record_key(f"tombstone/{LEVEL}", at): stone, **dict.fromkeys(keys, b"")}
    store.news()


def test_what_follows_a_forgotten_text_must_name_the_text_of_the_tombstone(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    second = record.digest(store.data[record.record_key(LEVEL, 2)])
    bury(store, 2)
    assert streams.digest_before(LEVEL, 3) == second
    head = streams.head(LEVEL)
    assert head is not None
    assert head.seq == 3


def test_a_tombstone_of_other_bytes_does_not_let_the_next_text_follow(store: Counting, streams: Streams) -> None:
    fill(store, 3)
    bury(store, 2, digest="other")
    with pytest.raises(AuthenticationFailed):
        streams.head(LEVEL)


def test_a_text_that_was_seen_may_be_forgotten_once_others_follow(store: Counting, streams: Streams) -> None:
    fill(store, 2)
    seen(streams)
    fill(store, 4)
    bury(store, 2)
    head = streams.head(LEVEL)
    assert head is not None
    assert head.seq == 4


@pytest.mark.parametrize("digest", ["", "other"])
def test_the_newest_text_is_never_forgotten_nor_another_than_was_seen(
    store: Counting, streams: Streams, digest: str
) -> None:
    fill(store, 2)
    seen(streams)
    if digest:
        fill(store, 3)
    bury(store, 2, digest=digest)
    with pytest.raises(RolledBack):
        streams.head(LEVEL)


def test_of_two_tombstones_for_one_text_the_first_counts_and_a_damaged_one_names_none(
    store: Counting, streams: Streams
) -> None:
    fill(store, 4)
    second = record.digest(store.data[record.record_key(LEVEL, 2)])
    bury(store, 2)
    bury(store, 2, digest="other", at=2)
    assert streams.forgotten(LEVEL) == {2: second}
    store.data[record.record_key(f"tombstone/{LEVEL}", 1)] = b"{}"
    assert streams.forgotten(LEVEL) == {2: "other"}


# -- a look that counts for a while ------------------------------------------------------------------------------------


def test_a_glance_asks_again_once_its_time_is_over(store: Counting, streams: Streams) -> None:
    fill(store, 1)
    head, until_ns = streams.glance(LEVEL, 0)
    fill(store, 2)
    store.news()
    assert streams.glance(LEVEL, until_ns - 1) == (head, until_ns)
    later, _ = streams.glance(LEVEL, until_ns)
    assert later is not None
    assert later.seq == 2


def test_heads_stay_as_long_as_their_watches_say_so_and_nothing_is_read_for_that(
    store: Counting, streams: Streams
) -> None:
    fill(store, 1)
    assert streams.stay_until(_finds(streams, LEVEL, KEY), 0) == 0  # nothing was told yet
    for stream in (LEVEL, KEY):
        streams.head(stream)
        streams.head(stream)  # the first look of a watch is always news
    reads, now_ns, finds = store.gets, 1 << 40, _finds(streams, LEVEL, KEY)
    until_ns = streams.stay_until(finds, now_ns)
    assert until_ns > now_ns
    assert streams.stay_until(finds, until_ns - 1) == until_ns
    assert store.gets == reads


def test_news_that_a_watch_tells_once_are_not_lost_to_the_next_look(store: Counting, streams: Streams) -> None:
    fill(store, 1)
    for _ in range(2):
        streams.head(LEVEL)
    fill(store, 2)
    store.news()
    now_ns, finds = 1 << 40, _finds(streams, LEVEL)
    assert streams.stay_until(finds, now_ns) == 0
    assert streams.stay_until(finds, now_ns) == 0
    head, until_ns = streams.glance(LEVEL, now_ns)
    assert head is not None
    assert head.seq == 2
    for _ in range(2):
        streams.head(LEVEL)
    assert streams.stay_until(finds, until_ns) == 0
    assert streams.stay_until(_finds(streams, LEVEL), until_ns) > until_ns


@pytest.mark.parametrize("asks", ["head", "glance"])
def test_heads_do_not_stay_when_somebody_else_was_told_of_another_one(
    store: Counting, streams: Streams, asks: str
) -> None:
    fill(store, 1)
    for _ in range(2):
        streams.head(LEVEL)
    now_ns, finds = 1 << 40, _finds(streams, LEVEL)
    assert streams.stay_until(finds, now_ns) > now_ns
    fill(store, 2)
    store.news()
    later_ns = now_ns + (1 << 30)
    head = streams.head(LEVEL) if asks == "head" else streams.glance(LEVEL, later_ns)[0]
    assert head is not None
    assert head.seq == 2
    assert streams.stay_until(finds, later_ns) == 0
    assert streams.stay_until(finds, later_ns + (1 << 30)) == 0


def _finds(streams: Streams, *names: str) -> list[tuple[str, int]]:
    return [(name, streams.finds(name)) for name in names]


def test_a_glance_sees_what_this_process_wrote_and_what_it_lost_at_once(store: Counting, streams: Streams) -> None:
    fill(store, 1)
    head, _ = streams.glance(LEVEL, 0)
    assert head is not None
    assert streams.append(LEVEL, 2, sealed(2, head.digest))
    mine, _ = streams.glance(LEVEL, 0)
    assert mine is not None
    assert mine.seq == 2
    store.data[record.record_key(LEVEL, 3)] = sealed(3, mine.digest)
    store.news()
    assert not streams.append(LEVEL, 3, sealed(3, mine.digest, "the other writer's came first"))
    theirs, _ = streams.glance(LEVEL, 0)
    assert theirs is not None
    assert theirs.seq == 3
