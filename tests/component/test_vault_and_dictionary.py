"""The vault against a plain dictionary with a history: whatever is changed in whatever order, both hold the same.

The store is a folder, the records are sealed and signed by a real keyholder, and each request goes through a
connection as a client's does. In between the daemon is killed at any call that lasts, and others write the same levels.
"""

import errno
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from envfs.core.operations import Operation
from envfs.daemon.housekeeping import finish_changes
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control, wire
from envfs.service.keys.identity import load_identity
from envfs.service.writer import LevelChange
from envfs.store.directory import DirectoryStore
from envfs.vault.high_water import Memory
from envfs.vault.vault import Vault
from tests.component.failing import Disk
from tests.component.world import ME, World, memory, run, writer_of
from tests.system.expected import CHOICES, NAMES, Change, Expected, Version, parsed

R = control
LEVELS = ("/shop/prod", "/shop/dev", "/blog/a", "/blog/b/c")
_levels, _kinds, _chance = st.sampled_from(LEVELS), st.sampled_from(sorted(CHOICES)), st.randoms(use_true_random=False)


class VaultAndDictionary(RuleBasedStateMachine):
    """Changes both, and compares them after each step."""

    source: Path
    link: KeyholderLink

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="envfs-model-"))
        self.expected = Expected(LEVELS)
        self.touched: set[str] = set()
        self.other: Vault | None = None
        self.disk = Disk(self.folder)
        shutil.copytree(self.source, self.folder, dirs_exist_ok=True)
        self._open()

    def _open(self) -> None:
        self.world = World(self.folder, self.link)
        run(self._unlock)
        self.other = Vault(
            DirectoryStore(Path(self.world.places.vault)), Memory(Path(self.world.places.seen))
        )  # as another process has it: it learns of nothing but by looking

    async def _unlock(self) -> None:
        await load_identity(self.world.service, ())
        await finish_changes(self.world.service)

    def teardown(self) -> None:
        self.world.close()
        shutil.rmtree(self.folder)

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _ask(self, change: Change) -> object:
        request = wire.from_body(change.body, control.REQUESTS)
        return await self.world.ask(request, secret=change.secrets[0].encode() if change.secrets else None)  # type: ignore[arg-type]

    def _own(self, level: str, version: int = 0) -> dict[str, str] | None:
        sent = run(lambda: self.world.sent(R.ReadView(level, "own", "export", (), version)))
        if isinstance(sent.reply, R.Failed):
            assert sent.reply.code == "no-such-level", sent.reply
            return None
        return parsed(sent.blob.decode())

    def _chosen(self, kind: str, level: str, chance: random.Random) -> Change:
        present = self.expected.text(level) is not None
        change = CHOICES[kind](self.expected, level, chance) if present else None
        return change or CHOICES["set many"](self.expected, level, chance)

    def _apply(self, change: Change, reply: object) -> None:
        assert not isinstance(reply, R.Failed), (change, reply)
        self.touched |= {change.level, *(str(change.body.get(word, "")) for word in ("source", "target"))}
        self.expected.apply(change, reply.version if isinstance(reply, R.Written) else None)

    # -- steps ---------------------------------------------------------------------------------------------------------

    @initialize(chance=_chance)
    def begin(self, chance: random.Random) -> None:
        for level in LEVELS[:3]:
            self.change("set many", level, chance)

    @rule(kind=_kinds, level=_levels, chance=_chance)
    def change(self, kind: str, level: str, chance: random.Random) -> None:
        """Change something as one client would."""
        change = self._chosen(kind, level, chance)
        self._apply(change, run(lambda: self._ask(change)))

    @rule(level=_levels, chance=_chance)
    def several_at_once(self, level: str, chance: random.Random) -> None:
        """Three writers change one level at the same time: all three changes are there, each in a version."""
        names = chance.sample(NAMES, 3)
        changes = [
            Change({"type": "set-variable", "level": level, "name": name}, (self.expected.value(),)) for name in names
        ]
        replies: list[tuple[int, Change]] = []

        async def one(change: Change) -> None:
            reply = await self._ask(change)
            assert isinstance(reply, R.Written), reply
            replies.append((reply.version, change))

        async def every() -> None:
            async with trio.open_nursery() as nursery:
                for change in changes:
                    nursery.start_soon(one, change)

        run(every)
        for version, change in sorted(replies, key=lambda each: each[0]):
            self.expected.apply(change, version)
        self.touched.add(level)

    @rule(level=_levels, name=st.sampled_from(NAMES))
    def another_process_writes_on_an_old_head(self, level: str, name: str) -> None:
        """A writer with heads of before applies its operation to the new one."""
        value, other = self.expected.value(), self.other
        assert other is not None
        descriptor = memory(value.encode())
        try:
            result = run(
                lambda: writer_of(self.world, other).write(ME, LevelChange(Operation.SET, level, name), (descriptor,))
            )
        finally:
            os.close(descriptor)
        self.expected.apply(Change({"type": "set-variable", "level": level, "name": name}, (value,)), result.version)
        self.touched.add(level)

    @rule(level=_levels)
    def an_edit_of_an_old_text_is_refused(self, level: str) -> None:
        old = max(0, len(self.expected.levels[level]) - 1)
        request = R.ImportText(level, replace=True, expected=old)
        reply = run(lambda: self.world.ask(request, secret=b"ALPHA=lost\n"))
        if self.expected.text(level) is not None:
            assert isinstance(reply, R.Failed)
            assert reply.code == "conflict"
        else:
            self.expected = self.expected.copy()
            if isinstance(reply, R.Written):
                self.expected.levels[level].append(Version({"ALPHA": "lost"}, "replace"))
        self.touched.add(level)

    @rule()
    def the_daemon_starts_again(self) -> None:
        self.world.close()
        self._open()

    @rule(kind=_kinds, level=_levels, chance=_chance, first=st.integers(1, 25))
    def the_daemon_is_killed_on_its_way(self, kind: str, level: str, chance: random.Random, first: int) -> None:
        """From one call on nothing more comes to the disk; then a new daemon finds the old state or the new one."""
        before = self.expected.copy()
        change = self._chosen(kind, level, chance)
        with self.disk.watched():
            self.disk.fail(first, errno.EIO)
            reply = run(lambda: self._ask(change))
            self.world.close()
        self.disk.heal()
        self._open()
        if not isinstance(reply, R.Failed):
            self._apply(change, reply)
            return
        self.expected.count = max(before.count, self.expected.count)
        self._settle(change)

    def _settle(self, change: Change) -> None:
        # what was refused is done or not. A move is finished when it is asked for once more
        if change.kind == "move-level" and self._own(change.level) is not None:
            reply = run(lambda: self._ask(change))
            assert not isinstance(reply, R.Failed), reply
        if change.kind == "forget-versions":
            rows, versions = self._rows(change.level), self.expected.levels[change.level]
            due = [at for at in range(int(str(change.body["before"])) - 1) if not versions[at].forgotten]
            done = {rows[at + 1].operation == "forgotten" for at in due}
            assert len(done) < 2, change
            if done == {True}:
                self.expected.apply(change)
        self._adopt(change)

    def _adopt(self, change: Change) -> None:
        after = self.expected.copy()
        if change.kind not in ("move-level", "forget-versions"):
            after.apply(change)
        for level in LEVELS:
            rows, old = self._rows(level), self.expected.levels[level]
            there = self._own(level)
            if change.kind != "move-level":
                assert there in (self.expected.text(level), after.text(level)), (level, change, there)
            for number in range(len(old) + 1, len(rows) + 1):
                is_gone = rows[number].operation == "remove" or (there is None and number == len(rows))
                text = self._own(level, number) if there is not None else None
                old.append(Version(text or {}, rows[number].operation, removed=is_gone))
            self.touched.add(level)
        if change.kind in ("grant-access", "revoke"):
            rows = run(lambda: self.world.sent(R.ListGrants())).rows
            self.expected.rules = {(row.level, row.uid or 0) for row in rows if isinstance(row, R.GrantRow)} & (
                self.expected.rules | after.rules
            )

    # -- comparing -----------------------------------------------------------------------------------------------------

    def _rows(self, level: str) -> dict[int, R.VersionRow]:
        rows = run(lambda: self.world.sent(R.ListHistory(level))).rows
        return {row.version: row for row in rows if isinstance(row, R.VersionRow)}

    @invariant()
    def both_hold_the_same(self) -> None:
        listed = run(lambda: self.world.sent(R.ListLevels())).rows
        levels = {row.level for row in listed if isinstance(row, R.LevelRow)}
        assert levels & set(LEVELS) == set(self.expected.present())
        for level in LEVELS:
            assert self._own(level) == self.expected.text(level), level
        for level in self.touched & set(LEVELS):
            self._compare_history(level)
        self.touched.clear()
        reply = run(lambda: self.world.ask(R.VerifyVault()))
        assert isinstance(reply, R.Checked)
        assert reply.failed == 0
        grants = run(lambda: self.world.sent(R.ListGrants())).rows
        assert {(row.level, row.uid) for row in grants if isinstance(row, R.GrantRow)} >= self.expected.rules

    def _compare_history(self, level: str) -> None:
        rows, versions = self._rows(level), self.expected.levels[level]
        assert list(rows) == list(range(len(versions), 0, -1)), (level, len(versions))
        author = {row.author for row in rows.values() if row.operation != "forgotten"}
        assert len(author) <= 1
        for number, version in enumerate(versions, 1):
            row = rows[number]
            if version.forgotten:
                assert row.operation == "forgotten", (level, number)
                continue
            assert row.operation == version.operation, (level, number, row)
            if number == 1 or not versions[number - 2].forgotten:
                self._compare_names(row, versions[number - 2].text if number > 1 else {}, version.text)
            if self.expected.text(level) is not None and not version.removed:
                assert self._own(level, number) == version.text, (level, number)

    def _compare_names(self, row: R.VersionRow, old: dict[str, str], new: dict[str, str]) -> None:
        renamed = {each.before: each.now for each in row.renamed}
        added, removed = {*new} - {*old}, {*old} - {*new}
        assert {*row.added, *renamed.values()} == added, row
        assert {*row.removed, *renamed} == removed, row
        assert {*row.changed} == {name for name in {*old} & {*new} if old[name] != new[name]}, row


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, KeyholderLink]]:
    """Give the folder of a home with an empty vault, and a keyholder."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("made"), link)
    run(world.make)
    world.close()
    yield world.folder, link
    link.close()


def _try(source: tuple[Path, KeyholderLink], examples: int, steps: int, *, same: bool = False) -> None:
    VaultAndDictionary.source, VaultAndDictionary.link = source
    run_state_machine_as_test(
        VaultAndDictionary,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=same,  # others are tried by the soak
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate,),  # an example that fails is short, and making it shorter takes minutes
        ),
    )


def test_the_vault_holds_what_a_dictionary_does(source: tuple[Path, KeyholderLink]) -> None:
    _try(source, 4, 12, same=True)


@pytest.mark.soak
def test_the_vault_holds_what_a_dictionary_does_for_long(source: tuple[Path, KeyholderLink]) -> None:
    _try(source, 60, 40)
