"""What every engine promises (envfs/courier/engine.py), tried with real servers. Another one is a line in `places`."""

import contextlib
import os
from collections.abc import Callable
from itertools import pairwise

import pytest
import trio

from envfs.core import limits, shared_keys
from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import BadName, EnvFSError, NotApproved, StoreUnavailable, TooLarge
from tests.engines.places import Place
from tests.engines.using import connected, run, use_one

KEYS = (
    "vault.toml",
    "key/@00000001.age",
    "key/shop/@00000001.age",
    "level/@00000001.json",
    "level/shop/prod/@00000001.json",
    "level/" + "/".join(["c" * 64] * 16) + "/@00000001.json",
    "member/@00000001.json",
    "tombstone/key/shop/@00000001.json",
    "level/shop/prod/@100000000.json",
)
NO_KEYS = (
    *(
        "",
        "/",
        "@00000001.json",
        "vault.toml/x",
        "level",
        "level/shop",
        "level/shop/@1.json",
        "level/shop/@00000001.age",
    ),
    *("../level/@00000001.json", "/level/@00000001.json", "level//@00000001.json", "level/../@00000001.json"),
    *("level/./@00000001.json", "level/.new-1/@00000001.json", "tree/shop/@", "log/0123456789abcdef/@00000001.json"),
    *("level/a\0b/@00000001.json", "level/é/@00000001.json", "level/a\n/@00000001.json", "level/a b/@00000001.json"),
    *("level/%2e%2e/@00000001.json", "level/'/@00000001.json", "level/-x/@00000001.json", "member/x/@00000001.json"),
    *("level/" + "c" * 65 + "/@00000001.json", "level/" + "/".join("c" * 17) + "/@00000001.json"),
)
NO_PREFIXES = ("/", "../", "level/../", "a" * 5000, "é", "a\0", "a\n", "%", "level/' OR '1'='1")


def level_key(number: int, level: str = "shop") -> str:
    return f"level/{level}/@{number:08d}.json"


# -- put_new and get ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"x", bytes(range(256)), b"\n\0'\\" * 1000], ids=["nothing", "x", "bytes", "signs"]
)
def test_records_that_were_put_are_got_whole(place: Place, data: bytes) -> None:
    async def use(engine: Engine) -> None:
        for key in KEYS:
            assert await engine.get([key]) == {}
            assert await engine.put_new(key, data) is True
            assert await engine.get([key]) == {key: data}
        assert await engine.get(KEYS) == dict.fromkeys(KEYS, data)

    use_one(place, use)


def test_a_key_is_written_once(place: Place) -> None:
    async def use(engine: Engine) -> None:
        assert await engine.put_new(level_key(1), b"first") is True
        for data in (b"second", b"", b"first"):
            assert await engine.put_new(level_key(1), data) is False
            assert await engine.get([level_key(1)]) == {level_key(1): b"first"}

    use_one(place, use)


def test_keys_that_are_not_there_are_left_out(place: Place) -> None:
    async def use(engine: Engine) -> None:
        await engine.put_new(level_key(2), b"x")
        assert await engine.get([level_key(1), level_key(2), level_key(3)]) == {level_key(2): b"x"}
        assert await engine.get([]) == {}

    use_one(place, use)


def test_the_largest_record_is_taken_and_a_larger_one_refused(place: Place) -> None:
    data = os.urandom(limits.RECORD_BYTES)

    async def use(engine: Engine) -> None:
        assert await engine.put_new(level_key(1), data)
        assert await engine.get([level_key(1)]) == {level_key(1): data}
        with pytest.raises(TooLarge):
            await engine.put_new(level_key(2), data + b"x")
        assert await engine.list("") == [level_key(1)]

    use_one(place, use)


def test_several_of_the_largest_records_are_got_at_once(place: Place) -> None:
    data = os.urandom(limits.RECORD_BYTES)

    async def use(engine: Engine) -> None:
        for number in range(1, 6):
            assert await engine.put_new(level_key(number), data[number:])
        keys = [level_key(number) for number in range(1, 6)]
        assert await engine.get(keys) == {key: data[number:] for number, key in enumerate(keys, 1)}

    use_one(place, use)


def test_what_is_no_key_of_a_shared_vault_is_refused(place: Place) -> None:
    async def use(engine: Engine) -> None:
        for key in NO_KEYS:
            with pytest.raises(BadName):
                await engine.get([key])
            with pytest.raises(BadName):
                await engine.put_new(key, b"x")
            with pytest.raises((BadName, NotApproved)):
                await engine.erase(key)
        assert await engine.list("") == []

    use_one(place, use)


def test_what_is_no_beginning_of_a_key_is_refused(place: Place) -> None:
    async def use(engine: Engine) -> None:
        for prefix in NO_PREFIXES:
            with pytest.raises(BadName):
                await engine.heads(prefix)
            with pytest.raises(BadName):
                await engine.list(prefix)
            with pytest.raises(BadName):
                await anext(engine.watch((prefix,)).__aiter__())

    use_one(place, use)


# -- list and heads ----------------------------------------------------------------------------------------------------


def test_keys_are_listed_in_order_by_their_beginning(place: Place) -> None:
    async def use(engine: Engine) -> None:
        assert await engine.list("") == []
        for key in KEYS:
            await engine.put_new(key, b"x")
        assert await engine.list("") == sorted(KEYS)
        for prefix in ("v", "vault.toml", "key/", "key/s", "level", "level/shop/", "level/shop/prod/@1", "nothing"):
            assert await engine.list(prefix) == sorted(key for key in KEYS if key.startswith(prefix)), prefix

    use_one(place, use)


def test_signs_that_mean_something_to_a_server_mean_themselves_in_a_prefix(place: Place) -> None:
    async def use(engine: Engine) -> None:
        for level in ("a_c", "abc", "a.c", "aXc", "A_C"):
            await engine.put_new(level_key(1, level), b"x")
        assert await engine.list("level/a_") == [level_key(1, "a_c")]
        assert await engine.list("level/a.") == [level_key(1, "a.c")]
        assert await engine.heads("level/a_") == {"level/a_c": 1}
        assert await engine.heads("level/A") == {"level/A_C": 1}

    use_one(place, use)


def test_heads_are_the_newest_numbers(place: Place) -> None:
    async def use(engine: Engine) -> None:
        assert await engine.heads("") == {}
        await engine.put_new("vault.toml", b"x")
        for number in (1, 2, 3, 10):
            await engine.put_new(level_key(number), b"x")
        await engine.put_new(level_key(99_999_999, "shop/prod"), b"x")
        await engine.put_new(level_key(100_000_000, "shop/prod"), b"x")
        await engine.put_new(level_key(1, "shopping"), b"x")
        await engine.put_new("key/shop/@00000004.age", b"x")
        levels = {"level/shop": 10, "level/shop/prod": 100_000_000, "level/shopping": 1}
        assert await engine.heads("") == {"key/shop": 4, **levels}
        assert await engine.heads("level/") == levels
        assert await engine.heads("level/shop") == levels
        shop = {"level/shop": 10, "level/shop/prod": 100_000_000}
        assert await engine.heads("level/shop/") == shop
        assert await engine.heads("level/shop/@") == {"level/shop": 10}
        assert await engine.heads("level/@") == {}
        assert await engine.heads("member") == {}
        assert await engine.heads("level/@", "key/shop/", "member/", "level/shop/") == {"key/shop": 4, **shop}
        assert await engine.heads() == {}

    use_one(place, use)


# -- several machines --------------------------------------------------------------------------------------------------


def test_of_many_writers_of_one_key_exactly_one_is_told_so_and_its_bytes_are_there(place: Place) -> None:
    won: list[tuple[int, bytes]] = []

    async def write(engine: Engine, number: int, name: bytes) -> None:
        data = name * 10_000
        if await engine.put_new(level_key(number), data):
            won.append((number, data))

    async def use() -> None:
        async with connected(place) as one, connected(place) as two, connected(place) as three:
            async with trio.open_nursery() as nursery:
                for number in range(1, 11):
                    for engine, name in zip((one, two, three) * 2, (b"a", b"b", b"c", b"d", b"e", b"f"), strict=True):
                        nursery.start_soon(write, engine, number, name)
            stored = await two.get([level_key(number) for number in range(1, 11)])
            assert sorted(number for number, _ in won) == list(range(1, 11))
            assert stored == {level_key(number): data for number, data in won}

    run(use)


def test_records_of_one_connection_are_there_for_another_at_once_and_after_all_have_left(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as one, connected(place) as two:
            for number in range(1, 21):
                writer, reader = (one, two) if number % 2 else (two, one)
                assert await writer.put_new(level_key(number), b"%d" % number)
                assert await reader.get([level_key(number)]) == {level_key(number): b"%d" % number}
                assert await reader.heads("level/shop") == {"level/shop": number}
        async with connected(place) as three:
            assert await three.list("level/") == [level_key(number) for number in range(1, 21)]

    run(use)


def test_questions_of_one_connection_may_be_many_at_once(place: Place) -> None:
    keys = [level_key(number, f"a{number % 7}") for number in range(1, 101)]

    async def ask(engine: Engine, key: str) -> None:
        assert await engine.put_new(key, key.encode())
        assert await engine.get([key]) == {key: key.encode()}

    async def use(engine: Engine) -> None:
        async with trio.open_nursery() as nursery:
            for key in keys:
                nursery.start_soon(ask, engine, key)
        assert await engine.get(keys) == {key: key.encode() for key in keys}

    use_one(place, use)


def test_a_question_that_is_given_up_leaves_the_engine_usable_and_no_half_record(place: Place) -> None:
    data = os.urandom(500_000)

    async def use(engine: Engine) -> None:
        for number in range(1, 11):
            with trio.move_on_after(0.0003 * number):
                await engine.put_new(level_key(number), data)
        stored = await engine.get([level_key(number) for number in range(1, 11)])
        assert set(stored.values()) <= {data}
        assert await engine.put_new(level_key(99), b"x")

    use_one(place, use)


# -- erase -------------------------------------------------------------------------------------------------------------


def test_a_record_is_erased_where_a_member_may_and_its_key_stays_taken(place: Place) -> None:
    async def use(engine: Engine) -> None:
        await engine.put_new(level_key(1), b"first")
        if place.erases:
            await engine.erase(level_key(1))
            await engine.erase(level_key(1))
            await engine.erase(level_key(2))
        else:
            with pytest.raises(NotApproved):
                await engine.erase(level_key(1))
        assert await engine.put_new(level_key(1), b"second") is False
        assert await engine.get([level_key(1)]) == {level_key(1): b"" if place.erases else b"first"}
        assert await engine.heads("level/") == {"level/shop": 1}

    use_one(place, use)


# -- watch -------------------------------------------------------------------------------------------------------------


async def see(hints: list[str], *streams: str) -> None:
    while not hints or (EVERYTHING not in hints and not set(streams) <= set(hints)):  # noqa: ASYNC110 - a list grows
        await trio.sleep(0.01)


async def collect(
    engine: Engine, prefixes: tuple[str, ...], hints: list[str], task_status: trio.TaskStatus[None]
) -> None:
    """Collect hints. It has started when the first one is there."""
    watch = engine.watch(prefixes).__aiter__()
    hints.append(await anext(watch))
    task_status.started()
    async for stream in watch:
        hints.append(stream)  # noqa: PERF401 - it is read meanwhile


def test_the_first_hint_is_for_everything_and_each_change_has_one(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as one, connected(place) as two, trio.open_nursery() as nursery:
            hints: list[str] = []
            await nursery.start(collect, two, ("",), hints)
            assert hints[0] == EVERYTHING
            for stream, key in pairwise(["", "level/a", "level/a/b", "member", "key/shop", "tombstone/level/a/b"]):
                del hints[:]
                suffix = "age" if key.startswith("key") else "json"
                assert await one.put_new(f"{key}/@00000001.{suffix}", b"x")
                assert await one.put_new(f"{key}/@00000002.{suffix}", stream.encode())
                await see(hints, key)
            nursery.cancel_scope.cancel()

    run(use)


def test_a_watch_of_some_streams_has_a_hint_for_each_of_them(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as one, connected(place) as two, trio.open_nursery() as nursery:
            hints: list[str] = []
            await nursery.start(collect, two, ("level/a", "member"), hints)
            await one.put_new("level/a/@00000001.json", b"x")
            await one.put_new("level/b/@00000001.json", b"x")
            await one.put_new("level/a/c/@00000001.json", b"x")
            await one.put_new("member/@00000001.json", b"x")
            await see(hints, "level/a", "level/a/c", "member")
            nursery.cancel_scope.cancel()

    run(use)


def test_a_watch_of_one_project_has_no_hint_of_another(place: Place) -> None:
    parts = (
        "member/",
        *(f"{kind}/{where}" for kind in ("key", "level", "tombstone/level") for where in ("@", "shop/")),
    )

    async def use() -> None:
        async with connected(place) as one, connected(place) as two, trio.open_nursery() as nursery:
            hints: list[str] = []
            await nursery.start(collect, two, parts, hints)
            del hints[:]
            for stream in ("level/blog", "level/shopping", "level/shop-x", "key/blog", "tombstone/level/blog/x"):
                await one.put_new(f"{stream}/@00000001.{'age' if stream.startswith('key') else 'json'}", b"x")
            own = ["member", "level", "level/shop", "level/shop/prod/eu", "key", "key/shop", "tombstone/level/shop"]
            for stream in own:
                await one.put_new(f"{stream}/@00000001.{'age' if stream.startswith('key') else 'json'}", b"x")
            await see(hints, *own)
            assert not [hint for hint in hints if hint and not shared_keys.is_within(hint, parts)]
            nursery.cancel_scope.cancel()

    run(use)


def test_two_watches_of_one_connection_see_the_same(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as one, connected(place) as two, trio.open_nursery() as nursery:
            first: list[str] = []
            second: list[str] = []
            await nursery.start(collect, two, ("level/",), first)
            await nursery.start(collect, two, ("member",), second)
            del first[:], second[:]
            await one.put_new("member/@00000001.json", b"x")
            await see(second, "member")
            await one.put_new("level/a/@00000001.json", b"x")
            await see(first, "level/a")
            nursery.cancel_scope.cancel()

    run(use)


# -- the end -----------------------------------------------------------------------------------------------------------


def test_an_engine_that_is_closed_says_so_and_may_be_closed_again(place: Place) -> None:
    async def use(engine: Engine) -> None:
        await engine.close()
        await engine.close()
        asks: list[Callable[[], object]] = [
            lambda: engine.heads(""),
            lambda: engine.list(""),
            lambda: engine.get([level_key(1)]),
            lambda: engine.put_new(level_key(1), b"x"),
        ]
        for ask in asks:
            with pytest.raises(StoreUnavailable):
                await ask()  # type: ignore[misc]

    use_one(place, use)


def test_a_watch_ends_when_its_engine_is_closed(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as engine, trio.open_nursery() as nursery:
            hints: list[str] = []

            async def watch(task_status: trio.TaskStatus[None]) -> None:
                with contextlib.suppress(EnvFSError):
                    await collect(engine, ("",), hints, task_status)

            await nursery.start(watch)
            await engine.close()

    run(use)
