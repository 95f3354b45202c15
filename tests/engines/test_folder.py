"""What a folder may have in it, and what becomes of its watch where inotify says nothing."""

import errno
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
import trio

from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines import folder, folder_watch
from envfs.courier.engines.folder import FolderEngine
from envfs.errors import StoreUnavailable
from envfs.host import keyed_files
from envfs.host.inotify import FolderChange
from tests.engines.places import Place
from tests.engines.using import use_one
from tests.patience import soon

KEY = "level/shop/@00000001.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def place(root: Path) -> Place:
    return Place(f"folder:{root}")


def hints(engine: Engine) -> aclosing[AsyncGenerator[str, None]]:
    assert isinstance(engine, FolderEngine)
    return aclosing(engine.watch(("level/",)))


async def drain(watch: AsyncGenerator[str, None]) -> None:
    async for _ in watch:
        pass


def test_a_folder_that_is_not_there_is_said_to_be_so_and_is_never_an_empty_one(root: Path) -> None:
    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, b"x")
        (root / "stick").rename(root / "pulled-out")
        for ask in (lambda: engine.heads(""), lambda: engine.get([KEY]), lambda: engine.put_new(KEY, b"y")):
            with pytest.raises(StoreUnavailable):
                await ask()
        assert os.listdir(root) == ["pulled-out"]

    with pytest.raises(StoreUnavailable):
        use_one(Place(f"folder:{root}/stick"), use)
    (root / "stick").mkdir()
    use_one(Place(f"folder:{root}/stick"), use)


def test_what_others_left_in_the_folder_is_passed_over(place: Place, root: Path) -> None:
    (root / "level" / "shop").mkdir(parents=True)
    for name in (".new-x", "@00000001.sync-conflict-20260101.json", "notes.txt", "@1.json", ".stfolder"):
        (root / "level" / "shop" / name).write_bytes(b"x")
    (root / "tree").mkdir()
    (root / "tree" / "@").write_bytes(b"")

    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, b"x")
        assert await engine.list("") == [KEY]
        assert await engine.heads("") == {"level/shop": 1}

    use_one(place, use)


@pytest.mark.parametrize("kind", ["FIFO", "link", "folder", "large"])
def test_what_is_no_record_in_the_place_of_one_is_a_fault_and_nothing_waits(
    place: Place, root: Path, kind: str
) -> None:
    path = root / KEY
    path.parent.mkdir(parents=True)
    match kind:
        case "FIFO":
            os.mkfifo(path)
        case "link":
            path.symlink_to("/etc/hostname")
        case "folder":
            path.mkdir()
        case _:
            path.write_bytes(bytes((2 << 20) + 1))

    async def use(engine: Engine) -> None:
        with pytest.raises(StoreUnavailable):
            await engine.get([KEY])
        assert await engine.put_new(KEY, b"x") is False

    with soon():
        use_one(place, use)


def test_a_folder_without_inotify_is_looked_at_from_time_to_time(
    place: Place, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "no more of them")

    monkeypatch.setattr(folder_watch, "Inotify", refuse)
    monkeypatch.setattr(folder_watch, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(folder_watch, "_LOOKS_OF_A_MINUTE", 1 << 60)

    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, b"x")
        async with hints(engine) as watch:
            assert await anext(watch) == EVERYTHING
            assert "max_user_instances" in engine.late
            await trio.sleep(0.05)  # a folder's time goes by the ticks of the kernel
            await engine.put_new("level/shop/@00000002.json", b"x")
            assert await anext(watch) == "level/shop"
        assert not engine.late

    use_one(place, use)


def test_once_a_minute_there_is_a_hint_for_everything(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "_LOOK_SECONDS", 0.01)

    async def use(engine: Engine) -> None:
        async with hints(engine) as watch:
            assert [await anext(watch), await anext(watch)] == [EVERYTHING, EVERYTHING]

    use_one(place, use)


def test_reports_that_were_lost_are_a_hint_for_everything(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(engine: Engine) -> None:
        async with hints(engine) as watch:
            await anext(watch)
            watches = next(iter(engine._watches))  # type: ignore[attr-defined]
            monkeypatch.setattr(watches._inotify, "read", lambda: iter([FolderChange(lost=True)]))
            await engine.put_new(KEY, b"x")
            assert await anext(watch) == EVERYTHING

    use_one(place, use)


def test_a_folder_that_goes_while_it_is_watched_ends_the_watch_with_a_fault(
    place: Place, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "_LOOK_SECONDS", 0.01)

    async def use(engine: Engine) -> None:
        async with hints(engine) as watch:
            await anext(watch)
            os.rmdir(root)
            with pytest.raises(StoreUnavailable):
                await drain(watch)

    use_one(place, use)


def test_on_a_file_system_with_one_name_for_each_file_a_key_is_written_once_all_the_same(
    place: Place, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(keyed_files.os, "O_TMPFILE", os.O_CREAT | os.O_DIRECTORY)  # which is EINVAL

    async def use(engine: Engine) -> None:
        assert await engine.put_new(KEY, b"x") is True
        assert await engine.put_new(KEY, b"y") is False
        assert await engine.get([KEY]) == {KEY: b"x"}
        assert os.listdir(root / "level" / "shop") == ["@00000001.json"]

    use_one(place, use)


def test_a_disk_that_does_not_answer_is_a_fault_in_bounded_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    async def use(engine: Engine) -> None:
        monkeypatch.setattr(folder, "_SECONDS", 0.01)
        monkeypatch.setattr(trio.to_thread, "run_sync", hang)
        with pytest.raises(StoreUnavailable):
            await engine.heads("")

    use_one(place, use)
