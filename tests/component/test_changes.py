"""Who is told what, and when: by the daemon's own knowledge of what it wrote, compared by the keyholder."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
import trio
import trio.testing

from envfs.core.access.face import PLAIN_FACE
from envfs.core.differences import Difference
from envfs.core.operations import Operation
from envfs.core.scope import Scope
from envfs.errors import KeyholderGone
from envfs.protocol import control, framing, wire
from envfs.protocol.control import Failed, NewsRow, WatchView
from envfs.protocol.keyholding import CompareViews
from envfs.service.changes.changes import ChangeNotices, ViewNews, ViewWatch
from envfs.service.changes.comparison import EVERYTHING, UNKNOWN
from envfs.service.writer import LevelChange
from tests.component.world import ME, STRANGER, Client, World, run


class Looked:
    """A mount on which some levels were looked at; `told` is what it was told to touch."""

    def __init__(self, *levels: str) -> None:
        self._levels = set(levels)
        self.told: list[dict[str, Difference]] = []

    def levels(self) -> set[str]:
        return self._levels

    async def touch(self, differing: Mapping[str, Difference]) -> None:
        self.told.append(dict(differing))


def telling(world: World, script: Callable[[ChangeNotices, Looked], Awaitable[None]]) -> None:
    """Run a script while changes are told."""

    async def main() -> None:
        changes, mount = world.open_vault.changes, Looked("/", "/shop", "/shop/prod", "/blog")
        changes.mount = mount
        async with trio.open_nursery() as nursery:
            nursery.start_soon(changes.run)
            await trio.testing.wait_all_tasks_blocked()
            await script(changes, mount)
            nursery.cancel_scope.cancel()

    run(main)


async def told(changes: ChangeNotices) -> None:
    with trio.fail_after(60):
        while changes._written or changes._telling or changes._come.is_set():  # noqa: ASYNC110 - it looks from outside
            await trio.sleep(0.005)


def test_a_change_is_told_of_each_level_that_reads_otherwise_and_of_no_other(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        await world.write("/shop", "LOG=trace\nDATABASE_URL=changed\n")
        await told(changes)
        assert [sorted(found) for found in mount.told] == [["/shop", "/shop/prod"]]
        assert mount.told[0]["/shop"].parts == ("dotenv", "json", "environ")
        assert set(mount.told[0]["/shop"].names) == {"LOG", "DATABASE_URL"}
        assert mount.told[0]["/shop/prod"].names == ("LOG",)
        await world.write("/shop", "LOG=trace\nDATABASE_URL=overridden below\n")
        await told(changes)
        assert list(mount.told[1]) == ["/shop"]
        assert world.keyholder.asked.count("RenderView") == 0

    telling(world, script)


def test_what_changes_nothing_is_told_nobody(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        await world.write(
            "/shop", "# the shop, with another comment\nDATABASE_URL=postgres://shop:hunter2@db/shop\nLOG=debug\n"
        )
        await world.open_vault.writer.write(ME, LevelChange(Operation.RESEAL, "/shop/prod"))
        await told(changes)
        assert mount.told == []

    telling(world, script)


def test_what_was_written_without_a_look_at_the_values_counts_as_changed(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        view = await world.open_vault.views.get("/shop")
        blind = LevelChange(Operation.RESTORE, "/shop", restore_version=1, always=True)
        await world.open_vault.writer.write(ME, blind)
        await told(changes)
        assert mount.told == [{"/shop": EVERYTHING, "/shop/prod": EVERYTHING}]
        again = await world.open_vault.views.get("/shop")
        assert again.changed_ns > view.changed_ns
        await world.open_vault.writer.write(ME, LevelChange(Operation.RESEAL, "/shop"))
        await told(changes)
        assert len(mount.told) == 1
        assert (await world.open_vault.views.get("/shop")).changed_ns == again.changed_ns

    telling(world, script)


def test_nobody_is_asked_anything_when_nobody_looked(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        mount.levels().clear()
        await world.write("/shop", "LOG=trace\n")
        await told(changes)
        assert "CompareViews" not in world.keyholder.asked

    telling(world, script)


def test_what_was_there_before_and_is_not_known_any_more_counts_as_changed(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        changes.wrote("/shop", UNKNOWN)
        await told(changes)
        assert mount.told == [{"/shop": EVERYTHING, "/shop/prod": EVERYTHING}]

    telling(world, script)


def test_a_keyholder_that_is_gone_only_puts_it_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        real = world.keyholder.ask

        async def gone(request: object, *more: object) -> object:
            if isinstance(request, CompareViews):
                raise KeyholderGone("gone")
            return await real(request, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(world.keyholder, "ask", gone)
        await world.write("/shop", "LOG=trace\n")
        await world.write("/shop", "LOG=fatal\n")
        await told(changes)
        assert mount.told == []
        monkeypatch.undo()
        changes.unlocked()
        with trio.fail_after(60):
            while not mount.told:  # noqa: ASYNC110 - it looks from outside
                await trio.sleep(0.005)
        assert [sorted(found) for found in mount.told] == [["/shop", "/shop/prod"]]

    telling(world, script)


def test_a_view_keeps_its_time_when_it_reads_as_before_and_has_a_later_one_when_it_does_not(world: World) -> None:
    async def main() -> None:
        views = world.open_vault.views
        first = (await views.get("/shop/prod")).changed_ns
        await world.open_vault.writer.write(ME, LevelChange(Operation.RESEAL, "/shop/prod"))
        assert (await views.get("/shop/prod")).changed_ns == first
        views.lock()
        assert (await views.get("/shop/prod")).changed_ns == first
        times = [first]
        for number in range(3):
            await world.write("/shop/prod", f"PAGER={number}\n")
            view = await views.get("/shop/prod")
            view.changed_ns = times[-1]  # as if the clock stood still
            moments = views.times._of["/shop/prod"]
            moments[PLAIN_FACE] = moments[PLAIN_FACE]._replace(changed_ns=times[-1])
            await world.write("/shop/prod", f"PAGER={number} again\n")
            times.append((await views.get("/shop/prod")).changed_ns)
        assert times == sorted(set(times))

    run(main)


def test_a_time_is_carried_over_a_view_that_is_not_there_any_more(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        views = world.open_vault.views
        first = (await views.get("/shop/prod")).changed_ns
        views.wipe()
        await world.open_vault.writer.write(ME, LevelChange(Operation.RESEAL, "/shop/prod"))
        await told(changes)
        assert (await views.get("/shop/prod")).changed_ns == first

    telling(world, script)


# -- the request -------------------------------------------------------------------------------------------------------


async def watching(client: Client, level: str) -> None:
    await client.send(framing.encode_frame(wire.to_body(WatchView(level))))
    assert await news(client) == NewsRow("watched")


async def news(client: Client) -> object:
    with trio.fail_after(60):
        found = await client.message()
    assert found is not None
    return found[0]


def test_news_come_as_rows_one_for_each_that_happens(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        async def one(client: Client) -> None:
            await watching(client, "/shop/prod")
            await world.write("/shop", "LOG=trace\n")
            assert await news(client) == NewsRow(ViewNews.CHANGED)
            changes.locked(Scope("/blog"))
            changes.locked(Scope("/shop"))
            changes.unlocked()
            assert {await news(client), await news(client)} == {NewsRow(ViewNews.LOCKED), NewsRow(ViewNews.UNLOCKED)}

        await world.talk(one)
        assert changes._watches == set()

    telling(world, script)


def test_the_gate_decides_on_each_row(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        async def one(client: Client) -> None:
            await watching(client, "/shop/prod")
            world.allow(("/", ME.uid))
            await world.write("/shop", "LOG=trace\n")
            reply = await news(client)
            assert isinstance(reply, Failed)
            assert reply.code == "not-approved"

        world.allow(("/", ME.uid), ("/shop/prod", STRANGER.uid))
        before = len(world.entries())
        await world.talk(one, STRANGER)
        found = [(entry["event"], entry.get("format")) for entry in world.entries()[before:] if entry["uid"] == 54_321]
        assert found == [("read", "changes"), ("refuse", "changes")]

    telling(world, script)


def test_who_may_not_read_a_level_may_not_watch_it(world: World) -> None:
    async def script(changes: ChangeNotices, mount: Looked) -> None:
        world.allow(("/", ME.uid), ("/shop/prod", STRANGER.uid))
        for level in ("/shop", "/blog", "/nope", "/shop/nope"):
            reply = await world.ask(WatchView(level), STRANGER)
            assert isinstance(reply, control.Failed)
            assert reply.code == "not-approved"
        assert changes._watches == set()

    telling(world, script)


def test_of_news_that_nobody_takes_one_of_each_kind_is_kept() -> None:
    async def main() -> None:
        watch = ViewWatch("/shop")
        for _ in range(1000):
            watch.tell(ViewNews.CHANGED)
            watch.tell(ViewNews.LOCKED)
        assert watch.take() == [ViewNews.CHANGED, ViewNews.LOCKED]
        assert watch.take() == []
        with trio.move_on_after(0.01) as scope:
            await watch.wait()
        assert scope.cancelled_caught

    run(main)


def test_the_next_write_waits_for_the_events_of_the_one_before_but_not_for_long(world: World) -> None:
    async def main() -> None:
        changes = world.open_vault.changes
        changes.running = True
        changes.wrote("/shop", UNKNOWN)
        for level, waits in (("/shop/prod", True), ("/", True), ("/blog", False)):
            started = trio.current_time()
            await changes.wait_told(level)
            assert (0 < trio.current_time() - started < 1) is waits

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
