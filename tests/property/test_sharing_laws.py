"""Laws of a vault that machines share: plans, merges, and machines that are cut off and killed at any step."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from envfs.core import record, shared_keys
from envfs.core.record import Record, RecordHeader
from envfs.dotenv.document import parse_document
from envfs.dotenv.three_way import merge_three
from envfs.errors import StoreUnavailable
from envfs.protocol.answers import Faults
from envfs.service.sharing.catching_up import CatchingUp
from envfs.service.sharing.checking import Checker
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.mirror import Mirror
from envfs.service.sharing.outbox import Outbox
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.planning import batches, is_shared, plan_catch_up
from envfs.service.sharing.waiting import WaitingVersion
from envfs.store.directory import DirectoryStore
from envfs.vault.description import Description
from envfs.vault.high_water import Memory
from envfs.vault.vault import Vault, write_vault

STREAMS = (
    "member",
    "key",
    "key/shop",
    "tombstone/level/shop",
    "level",
    "level/shop",
    "level/shop/prod",
    "log/x",
    "tree",
)
NUMBERS = st.dictionaries(st.sampled_from(STREAMS), st.integers(1, 9))

# -- plans -------------------------------------------------------------------------------------------------------------


@given(NUMBERS, NUMBERS)
def test_a_plan_makes_both_sides_equal_and_loses_nothing(mirror: dict[str, int], engine: dict[str, int]) -> None:
    plan = plan_catch_up(mirror, engine)
    for mine, ranges in ((dict(mirror), plan.fetch), (dict(engine), plan.give_back)):
        for span in ranges:
            assert span.first == mine.get(span.stream, 0) + 1
            mine[span.stream] = span.last
        shared = {stream for stream in {*mirror, *engine} if is_shared(stream)}
        assert all(mine[stream] == max(mirror.get(stream, 0), engine.get(stream, 0)) for stream in shared)
    kinds = [("member", "key", "tombstone", "level").index(span.stream.partition("/")[0]) for span in plan.fetch]
    assert kinds == sorted(kinds)


@given(NUMBERS, st.integers(1, 12))
def test_batches_are_the_plan_in_pieces(engine: dict[str, int], most: int) -> None:
    plan = plan_catch_up({}, engine)
    cut = list(batches(plan.fetch, most))
    assert [key for batch in cut for span in batch for key in span.record_keys()] == [
        key for span in plan.fetch for key in span.record_keys()
    ]
    assert all(sum(len(span.record_keys()) for span in batch) <= most for batch in cut)
    assert all(len({span.stream.partition("/")[0] for span in batch}) == 1 for batch in cut)


# -- merges ------------------------------------------------------------------------------------------------------------

VALUES = st.dictionaries(st.sampled_from("ABCD"), st.sampled_from(["1", "2", "two words", "$x"]))


def _text(values: dict[str, str]) -> str:
    return "".join(f"{name}='{value}'\n" for name, value in values.items())


@given(VALUES, VALUES, VALUES)
def test_a_merge_takes_from_each_side_what_it_alone_changed(
    base: dict[str, str], mine: dict[str, str], theirs: dict[str, str]
) -> None:
    merged = merge_three(*(parse_document(_text(values)) for values in (base, mine, theirs)))
    result = merged.document.variables()
    for name in "ABCD":
        before, my, their = base.get(name), mine.get(name), theirs.get(name)
        if name in merged.names:
            assert before != my != their != before
            assert result.get(name) == their
        else:
            assert result.get(name) == (my if my != before else their)
    assert not merged.comments


@given(VALUES, VALUES)
def test_a_merge_into_what_was_there_is_mine_to_the_letter(base: dict[str, str], mine: dict[str, str]) -> None:
    document = parse_document(_text(base))
    text = "# a comment\n" + _text(mine)
    assert merge_three(document, parse_document(text), document).document.render() == text


# -- two machines and an engine ----------------------------------------------------------------------------------------

ID = "b83616da-e0d9-45ac-a54a-b73f09b274b1"
LEVELS = ("/shop", "/shop/prod")
KEY = "key/shop/@00000001.age"


class _Killed(BaseException):
    """The machine was killed here."""


class _Keyholder:
    """Takes every record for good: here it is about numbers and their chain, not about signatures."""

    async def ask(self, request: NamedTuple, _expected: type, _blobs: object = ()) -> object:
        await trio.lowlevel.checkpoint()
        count = len(getattr(request, "layers", None) or getattr(request, "keys", ()))

        class Answer(NamedTuple):
            message: Faults

        return Answer(Faults(("",) * count))


class _Engine:
    """The records, and the next faults: how many steps until one, and which."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.steps = -1
        self.kills = False

    async def _step(self) -> None:
        await trio.lowlevel.checkpoint()
        self.steps -= 1
        if self.steps == 0:
            raise (_Killed() if self.kills else StoreUnavailable("away"))

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        await self._step()
        return shared_keys.newest_numbers(key for key in self.records if key.startswith(prefixes))

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        await self._step()
        return {key: self.records[key] for key in keys if key in self.records}

    async def put_new(self, key: str, data: bytes) -> bool:
        await self._step()
        is_new = key not in self.records
        self.records.setdefault(key, data)
        await self._step()
        return is_new


def _sealed(stream: str, seq: int, prev: str, changes: frozenset[str]) -> bytes:
    header = RecordHeader("k", ID, stream, seq, prev, "a", "2026-11-30T10:00:00.000000Z")
    text = ",".join(sorted(changes)).encode()
    return record.render_record(Record(header, record.protect_header(header), b"i" * 12, text, b"t" * 16, b"s" * 64))


def _changes(data: bytes) -> frozenset[str]:
    return frozenset(filter(None, record.parse_record(data).ciphertext.decode().split(","))) if data else frozenset()


class _Machine:
    """One machine, as a daemon has it open. `restart` is what is left after it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restart()

    def restart(self) -> None:
        mirror = DirectoryStore(self.folder / "vault")
        with suppress(Exception):
            write_vault(mirror, Description(ID, "", "", ""))
        self.store = SharedStore(mirror, Outbox(self.folder / "outbox"), lambda: True)
        self.vault = Vault(self.store, Memory(self.folder / "seen.jsonl"))
        self.vault.memory.is_waiting, self.vault.memory.is_stored = self.store.is_waiting, self.store.is_stored
        facts = SharingFacts(self.folder / "engine.json")
        self.mirror = Mirror(self.vault, self.store)
        self.passes = CatchingUp(self.store, self.mirror, Checker(self.vault, _Keyholder()), facts)  # type: ignore[arg-type]

    def write(self, level: str, change: str) -> None:
        head = self.vault.head(level)
        place = self.vault.next_place(record.level_stream(level))
        changes = _changes(head.data if head else b"") | {change}
        assert self.vault.append(level, place.seq, _sealed(place.stream, place.seq, place.prev, changes))

    def merge(self, waiting: WaitingVersion) -> None:
        head = self.vault.head(waiting.level)
        place = self.vault.next_place(waiting.stream)
        changes = _changes(head.data if head else b"") | (_changes(waiting.mine) - _changes(waiting.base))
        with self.store.replacing(waiting.number):
            assert self.vault.append(waiting.level, place.seq, _sealed(place.stream, place.seq, place.prev, changes))

    async def catch_up(self, engine: _Engine) -> None:
        await self.passes.run(engine, "engine", ("",))  # type: ignore[arg-type]
        for waiting in self.passes.stale():
            self.merge(waiting)
        await self.passes.push(engine)  # type: ignore[arg-type]


class SharedVault(RuleBasedStateMachine):
    """Two machines that write, are cut off and are killed, and an engine that loses what it had."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="envfs-sharing-"))
        self.engine = _Engine()
        self.machines: list[_Machine] = []
        self.acknowledged: set[str] = set()
        self.numbers = 0

    @initialize()
    def begin(self) -> None:
        self.machines = [_Machine(self.folder / name) for name in ("one", "other")]
        for machine in self.machines:
            machine.store.mirror.put_new(KEY, b"the key of the project")

    @rule(at=st.integers(0, 1), level=st.sampled_from(LEVELS))
    def write(self, at: int, level: str) -> None:
        self.numbers += 1
        change = f"c{self.numbers}"
        self.machines[at].write(level, change)
        self.acknowledged.add(change)

    @rule(at=st.integers(0, 1))
    def meet(self, at: int) -> None:
        self.engine.steps = -1
        trio.run(self.machines[at].catch_up, self.engine)

    @rule(at=st.integers(0, 1), steps=st.integers(1, 12), kills=st.booleans())
    def meet_badly(self, at: int, steps: int, *, kills: bool) -> None:
        self.engine.steps, self.engine.kills = steps, kills
        with _survived(self.machines[at]):
            trio.run(self.machines[at].catch_up, self.engine)
        self.engine.steps = -1

    @rule(at=st.integers(0, 1))
    def killed(self, at: int) -> None:
        self.machines[at].restart()

    @rule(count=st.integers(1, 3))
    def engine_goes_back(self, count: int) -> None:
        # it loses the newest of one stream, and a machine that has them is the next one to come. Otherwise there are
        # two histories, which are told of and not brought together
        streams = {key.rpartition("/")[0] for key in self.engine.records if key.startswith("level")}
        for stream in sorted(streams)[:1]:
            keys = sorted(key for key in self.engine.records if key.rpartition("/")[0] == stream)[-count:]
            having = [one for one in self.machines if all(one.store.mirror.get(key) for key in keys)]
            if having:
                for key in keys:
                    del self.engine.records[key]
                trio.run(having[0].catch_up, self.engine)

    @invariant()
    def what_was_acknowledged_is_somewhere(self) -> None:
        there = {change for machine in self.machines for level in LEVELS for change in _shown(machine, level)}
        waiting = {change for machine in self.machines for one in machine.store.outbox for change in _changes(one.mine)}
        assert self.acknowledged <= there | waiting

    def teardown(self) -> None:
        if self.machines:
            self.engine.steps = -1
            for _ in range(6):
                for machine in self.machines:
                    trio.run(machine.catch_up, self.engine)
            assert not any(len(machine.store.outbox) for machine in self.machines)
            heads = [[_shown(machine, level) for level in LEVELS] for machine in self.machines]
            assert heads[0] == heads[1]
            assert self.acknowledged <= set().union(*heads[0])
        shutil.rmtree(self.folder)


def _shown(machine: _Machine, level: str) -> frozenset[str]:
    head = machine.vault.head(level)
    return _changes(head.data if head else b"")


@contextmanager
def _survived(machine: _Machine) -> Iterator[None]:
    try:
        yield
    except StoreUnavailable:
        return
    except BaseException as error:
        if not isinstance(error, _Killed) and not _is_killed(error):
            raise
        machine.restart()


def _is_killed(error: BaseException) -> bool:
    return isinstance(error, BaseExceptionGroup) and error.split(_Killed)[1] is None


TestSharedVault = SharedVault.TestCase
TestSharedVault.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
