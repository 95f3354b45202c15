"""A view that is ready is served without waiting: no real await, no keyholder, few looks at the disk."""

import os
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

import pytest

from tests.component.world import PROD, Context, World, inode, read_file, run

T = TypeVar("T")
CTX = Context()


def at_once(coroutine: Coroutine[object, object, T]) -> T:
    """Drive a coroutine by hand; fail if it waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    pytest.fail("it waited")


@pytest.fixture
def warm(world: World) -> World:
    """Give a world where the view of /shop/prod is ready."""
    operations = world.operations()
    assert run(lambda: read_file(operations, inode(operations, "dotenv", "/shop/prod"))).decode() == PROD
    world.keyholder.asked.clear()
    return world


def test_a_warm_read_is_done_without_a_real_await(warm: World) -> None:
    operations = warm.operations()
    number = 1
    for name in (b"shop", b"prod", b".env"):
        number = at_once(operations.lookup(number, name, CTX)).st_ino  # type: ignore[arg-type]
    assert at_once(operations.getattr(number, CTX)).st_size == len(PROD)  # type: ignore[arg-type]
    assert at_once(operations.access(number, os.R_OK, CTX))  # type: ignore[arg-type]
    found = at_once(operations.open(number, os.O_RDONLY, CTX))  # type: ignore[arg-type]
    assert bytes(at_once(operations.read(found.fh, 0, 4096))).decode() == PROD
    assert bytes(at_once(operations.read(found.fh, len(PROD), 4096))) == b""
    at_once(operations.release(found.fh))


def test_a_warm_open_asks_the_keyholder_nothing(warm: World) -> None:
    operations = warm.operations()
    for _ in range(100):
        at_once(operations.lookup(inode(operations, "folder", "/shop/prod"), b".env", CTX))  # type: ignore[arg-type]
        found = at_once(operations.open(inode(operations, "dotenv", "/shop/prod"), os.O_RDONLY, CTX))  # type: ignore[arg-type]
        at_once(operations.read(found.fh, 0, 4096))
        at_once(operations.release(found.fh))
    assert warm.keyholder.asked == []


def test_listing_folders_never_waits(warm: World) -> None:
    operations = warm.operations()
    handle = at_once(operations.opendir(1, CTX))  # type: ignore[arg-type]
    at_once(operations.releasedir(handle))


def test_the_first_open_asks_the_keyholder_once(world: World) -> None:
    operations = world.operations()
    world.keyholder.asked.clear()
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop/prod")))
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop/prod")))
    assert world.keyholder.asked == ["RenderView"]


def test_a_change_makes_one_view_cold_and_those_below_it(warm: World) -> None:
    async def main() -> list[str]:
        operations = warm.operations()
        for level in ("/", "/shop", "/shop/prod", "/blog"):
            await read_file(operations, inode(operations, "dotenv", level))
        await warm.write("/shop", "LOG=trace\n")
        warm.keyholder.asked.clear()
        texts = [(await read_file(operations, inode(operations, "dotenv", level))).decode() for level in ("/", "/blog")]
        assert warm.keyholder.asked == []
        texts.append((await read_file(operations, inode(operations, "dotenv", "/shop/prod"))).decode())
        assert warm.keyholder.asked == ["RenderView"]
        return texts

    assert "LOG=trace" in run(main)[2]


def test_a_warm_open_looks_at_a_bounded_number_of_files(warm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operations = warm.operations()
    number = inode(operations, "dotenv", "/shop/prod")

    def opened() -> None:
        found = at_once(operations.open(number, os.O_RDONLY, CTX))  # type: ignore[arg-type]
        at_once(operations.release(found.fh))

    for _ in range(4):
        time.sleep(0.06)  # until the folders' times are settled, and what was just looked at is old
        opened()
    time.sleep(0.06)
    counted: list[str] = []

    def counting(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def count(*args: object, **kwargs: object) -> object:
            counted.append(name)
            return real(*args, **kwargs)

        return count

    with monkeypatch.context() as patch:
        for name in ("stat", "open", "read", "readlink"):
            patch.setattr(os, name, counting(name))
        patch.setattr(warm.service.store, "get", lambda key: pytest.fail(f"it read {key} again"))
        opened()
    assert len(counted) <= 20, counted
