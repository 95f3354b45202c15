"""A courier is a process of its own: its address is read by nobody, and it ends with the process that started it."""

import os
import signal
from pathlib import Path

import pytest
import trio
import trio.testing

from envfs.core.secret import Secret
from envfs.courier.link import EngineLink
from envfs.errors import BadRequest, StoreUnavailable
from envfs.host.process import landlock
from envfs.service.sharing.courier_link import CourierProcess, running_courier
from tests.engines.using import run

KEY = "level/shop/@00000001.json"


def shown_to_others(pid: int) -> bytes:
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


def test_a_courier_serves_its_folder_alone_and_shows_its_address_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "@00000001.json").write_bytes(b"x")
    (tmp_path / "shared" / "level").mkdir()
    (tmp_path / "shared" / "level" / "shop").symlink_to(tmp_path / "own")

    async def use() -> None:
        process = CourierProcess()
        try:
            assert await process.begin(Secret(f"folder:{tmp_path}/shared")) == landlock.landlock_version()
            assert b"shared" not in shown_to_others(process.pid)
            engine = EngineLink(process.stream)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.run)
                assert await engine.put_new("member/@00000001.json", b"x")
                if landlock.landlock_version():
                    with pytest.raises(StoreUnavailable, match="permission denied"):
                        await engine.get([KEY])
                await engine.close()
        finally:
            process.close()

    run(use)
    assert os.listdir(tmp_path / "own") == ["@00000001.json"]


@pytest.mark.parametrize("address", ["postgres://alice:hunter2@-h/v", ""])
def test_a_courier_refuses_what_is_no_address_and_says_no_password(address: str) -> None:
    async def use() -> None:
        async with running_courier(Secret(address)):
            pytest.fail("it serves")

    with pytest.raises(BadRequest) as refused:
        run(use)
    assert "hunter2" not in f"{refused.value.text} {refused.value.hint}"


def test_a_courier_ends_when_its_folder_is_another_one_and_the_next_courier_serves_that(tmp_path: Path) -> None:
    address = Secret(f"folder:{tmp_path}/stick")

    async def use() -> None:
        with pytest.raises(StoreUnavailable):
            await running_courier(address).__aenter__()
        os.mkdir(tmp_path / "stick")
        async with running_courier(address) as engine:
            assert await engine.put_new(KEY, b"x")
            os.rename(tmp_path / "stick", tmp_path / "pulled-out")
            os.mkdir(tmp_path / "stick")
            with pytest.raises(StoreUnavailable):
                await _drain(engine)
        async with running_courier(address) as engine:
            assert await engine.put_new(KEY, b"x")

    run(use)


def test_questions_to_a_courier_that_is_killed_fail_at_once(tmp_path: Path) -> None:
    async def use() -> None:
        process = CourierProcess()
        await process.begin(Secret(f"folder:{tmp_path}"))
        engine = EngineLink(process.stream)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.run)
            os.kill(process.pid, signal.SIGSTOP)
            nursery.start_soon(_fails, engine)
            nursery.start_soon(_watch_fails, engine)
            await trio.testing.wait_all_tasks_blocked(0.01)
            process.close()
        assert engine.end is not None

    run(use)


async def _fails(engine: EngineLink) -> None:
    with pytest.raises(StoreUnavailable):
        await engine.put_new(KEY, b"x")


async def _drain(engine: EngineLink) -> None:
    async for _ in engine.watch(("",)):
        pass


async def _watch_fails(engine: EngineLink) -> None:
    with pytest.raises(StoreUnavailable):
        await anext(engine.watch(("",)))
