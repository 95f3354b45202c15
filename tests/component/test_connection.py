"""The control socket's protocol: whatever a client does, it loses its own connection and nothing more."""

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio
import trio.testing

from envfs import __version__
from envfs.control.connection import Connection
from envfs.protocol import control, framing, wire
from tests.component.world import ME, STRANGER, Client, World, memory, run

STATUS = framing.encode_frame(wire.to_body(control.Status()))
Script = Callable[[Client], Awaitable[object]]


@pytest.fixture(autouse=True)
def _no_descriptor_is_left(shared: World) -> Iterator[None]:
    shared.open_vault.views.wipe()
    before = len(os.listdir("/proc/self/fd"))
    yield
    shared.open_vault.views.wipe()
    assert len(os.listdir("/proc/self/fd")) <= before


def talk(world: World, script: Script) -> None:
    run(lambda: world.talk(script))


async def failed(client: Client, code: str = "bad-request") -> control.Failed:
    """Expect a refusal, and then the end of the connection."""
    found = await client.message()
    assert found is not None
    message, _ = found
    assert isinstance(message, control.Failed), message
    assert message.code == code
    assert await client.message() is None
    return message


# -- greeting and asking -----------------------------------------------------------------------------------------------


def test_a_greeting_is_returned_with_protocol_and_release(shared: World) -> None:
    async def script(client: Client) -> None:
        assert (await client.ask(control.Hello(control.VERSION, ""))).reply == control.Hello(
            control.VERSION, __version__
        )
        assert isinstance((await client.ask(control.Status())).reply, control.StatusReport)

    talk(shared, script)


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
def test_another_protocol_is_refused_with_a_word_about_upgrades(shared: World, version: int) -> None:
    async def script(client: Client) -> None:
        await client.send(framing.encode_frame(wire.to_body(control.Hello(version, "9.9"))))
        message = await failed(client)
        assert str(control.VERSION) in message.text
        assert "envfs unmount" in message.hint

    talk(shared, script)


def test_many_requests_are_answered_in_order_however_they_are_cut(shared: World) -> None:
    requests = [control.ListVariables("/shop"), control.Status(), control.ReadView("/", "value", "get", ("LOG",))]
    data = b"".join(framing.encode_frame(wire.to_body(request)) for request in requests)

    async def script(client: Client) -> None:
        for size in (1, 7, len(data)):
            for start in range(0, len(data), size):
                await client.send(data[start : start + size])
                await trio.lowlevel.checkpoint()
            names = []
            while len(names) < 6:
                found = await client.message()
                assert found is not None
                names.append(type(found[0]).__name__)
            assert names == ["VariableRow"] * 3 + ["Done", "StatusReport", "ViewSent"]

    talk(shared, script)


def test_a_refused_request_does_not_end_the_connection(shared: World) -> None:
    async def script(client: Client) -> None:
        for _ in range(3):
            assert isinstance((await client.ask(control.ListVariables("/nope"))).reply, control.Failed)
            assert isinstance((await client.ask(control.ListVariables("/shop"))).reply, control.Done)

    talk(shared, script)


def test_a_client_that_leaves_ends_its_connection(shared: World) -> None:
    async def script(client: Client) -> None:
        await client.ask(control.Status())

    talk(shared, script)  # talk returns only when the daemon's end has ended


@pytest.mark.parametrize("size", [1, 4, 5, len(STATUS) - 1])
def test_a_client_that_leaves_within_a_frame_ends_its_connection(shared: World, size: int) -> None:
    async def script(client: Client) -> None:
        await client.send(STATUS[:size])

    talk(shared, script)


def test_a_client_that_leaves_before_its_answer_ends_its_connection(shared: World) -> None:
    async def script(client: Client) -> None:
        await client.send(framing.encode_frame(wire.to_body(control.ReadView("/shop", "dotenv", "show"))))

    for _ in range(5):
        talk(shared, script)
    shared.open_vault.views.wipe()


# -- garbage -----------------------------------------------------------------------------------------------------------

GARBAGE: dict[str, bytes] = {
    "no frame": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": bytes(64),
    "a huge length": b"\xff\xff\xff\xff",
    "one byte over the limit": (64 * 1024 + 1).to_bytes(4, "big"),
    "no json": b"\0\0\0\7hunter2",
    "a list": b"\0\0\0\2[]",
    "no type": framing.encode_frame({}),
    "an unknown type": framing.encode_frame({"type": "hunter2"}),
    "a reply": framing.encode_frame(wire.to_body(control.Done())),
    "a request of the keyholder's": framing.encode_frame({"type": "sign-checkpoint", "seq": 1, "digest": ""}),
    "an unknown field": framing.encode_frame({"type": "status", "verbose": True}),
    "a missing field": framing.encode_frame({"type": "set-variable", "level": "/"}),
    "a wrong type": framing.encode_frame({"type": "grant-access", "level": "/", "uid": "0"}),
    "a blob": framing.encode_frame({"type": "status"}, [b"x"]) + b"x",
    "an empty blob": framing.encode_frame({"type": "status"}, [b""]),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_without_quoting_it_and_ends_the_connection(shared: World, data: bytes) -> None:
    async def script(client: Client) -> None:
        await client.send(data)
        message = await failed(client)
        assert "hunter2" not in message.text + message.hint

    talk(shared, script)


def test_garbage_after_a_good_request_ends_only_what_follows(shared: World) -> None:
    async def script(client: Client) -> None:
        await client.send(STATUS + GARBAGE["no json"])
        found = await client.message()
        assert found is not None
        assert isinstance(found[0], control.StatusReport)
        await failed(client)

    talk(shared, script)


def test_the_longest_request_is_read_and_refused_for_what_it_says(shared: World) -> None:
    async def script(client: Client) -> None:
        reply = (await client.ask(control.ListVariables("/" + "a" * 60_000))).reply
        assert isinstance(reply, control.Failed)
        assert reply.code == "too-large"

    talk(shared, script)


# -- descriptors -------------------------------------------------------------------------------------------------------

SET = framing.encode_frame(wire.to_body(control.SetVariable("/shop", "NEW")))


def test_a_secret_in_memory_is_taken(world: World) -> None:
    async def script(client: Client) -> None:
        reply = (await client.ask(control.SetVariable("/shop", "NEW"), b"x")).reply
        assert isinstance(reply, control.Written)

    talk(world, script)


def test_a_secret_in_a_file_is_taken_from_its_start_wherever_it_was_read_to(world: World) -> None:
    async def script(client: Client) -> None:
        path = world.folder / "value"
        path.write_bytes(b"whole")
        with path.open("rb") as file:
            file.read(3)
            await client.send(SET, (file.fileno(),))
            found = await client.message()
        assert found is not None
        assert isinstance(found[0], control.Written)
        blob = (await client.ask(control.ReadView("/shop", "value", "get", ("NEW",)))).blob
        assert blob == b"whole"

    talk(world, script)


def make_pipe() -> list[int]:
    return list(os.pipe())


def make_sockets() -> list[int]:
    return [end.detach() for end in socket.socketpair()]


def make_folder() -> list[int]:
    return [os.open("/", os.O_RDONLY)]


def make_device() -> list[int]:
    return [os.open("/dev/zero", os.O_RDONLY)]


@pytest.mark.parametrize("make", [make_pipe, make_sockets, make_folder, make_device])
def test_a_secret_in_anything_that_can_make_one_wait_is_refused(shared: World, make: Callable[[], list[int]]) -> None:
    async def script(client: Client) -> None:
        descriptors = make()
        try:
            await client.send(SET, tuple(descriptors[:1]))
            await failed(client)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    talk(shared, script)


@pytest.mark.parametrize("count", [2, 4, 5, 50])
@pytest.mark.parametrize("request_", [SET, STATUS], ids=["one that takes one", "one that takes none"])
def test_too_many_descriptors_are_refused_and_closed(shared: World, request_: bytes, count: int) -> None:
    async def script(client: Client) -> None:
        handle = memory(b"x")
        await client.send(request_, (handle,) * count)
        os.close(handle)
        await failed(client)

    talk(shared, script)


def test_a_descriptor_with_a_request_that_takes_none_is_refused(shared: World) -> None:
    async def script(client: Client) -> None:
        handle = memory(b"x")
        await client.send(STATUS, (handle,))
        os.close(handle)
        await failed(client)

    talk(shared, script)


def test_descriptors_drop_by_drop_are_refused_when_there_are_too_many(shared: World) -> None:
    async def script(client: Client) -> None:
        handle = memory(b"x")
        with contextlib.suppress(BrokenPipeError):
            for byte in SET[:10]:
                await client.send(bytes([byte]), (handle,))
                await trio.sleep(0.001)
        os.close(handle)
        await failed(client)

    talk(shared, script)


def test_descriptors_of_a_client_that_leaves_are_closed(shared: World) -> None:
    async def script(client: Client) -> None:
        handle = memory(b"x")
        await client.send(SET[:5], (handle,))
        os.close(handle)
        await trio.sleep(0.01)

    for _ in range(5):
        talk(shared, script)


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_frame_that_comes_drop_by_drop_is_not_waited_for_longer_than_one_frame_may_take(shared: World) -> None:
    clock = trio.testing.MockClock()

    async def main() -> None:
        ours, theirs = trio.socket.socketpair()
        with ours:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Connection(theirs, ME, shared.service).serve)
                await trio.testing.wait_all_tasks_blocked()
                for byte in STATUS[:-1]:
                    try:
                        await ours.send(bytes([byte]))
                    except OSError:
                        break
                    await trio.testing.wait_all_tasks_blocked(0.001)
                    clock.jump(4)
                    await trio.testing.wait_all_tasks_blocked(0.001)
                else:
                    pytest.fail("it waited for every byte of it")
                assert clock.current_time() < 30

    trio.run(main, clock=clock)


def test_between_requests_a_client_may_think_for_as_long_as_it_likes(shared: World) -> None:
    clock = trio.testing.MockClock()

    async def main() -> None:
        async def script(client: Client) -> None:
            for _ in range(3):
                assert isinstance((await client.ask(control.Status())).reply, control.StatusReport)
                clock.jump(100_000)
                await trio.testing.wait_all_tasks_blocked(0.001)

        await shared.talk(script)

    trio.run(main, clock=clock)


def test_a_client_that_does_not_read_its_answer_is_left_after_a_while(world: World) -> None:
    clock = trio.testing.MockClock()
    run(lambda: world.write("/shop", "A=" + "x" * 120_000 + "\nB=" + "y" * 120_000 + "\n"))
    run(lambda: world.ask(control.ReadView("/shop", "dotenv", "show")))

    async def main() -> None:
        ours, theirs = trio.socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with ours, trio.fail_after(10_000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Connection(theirs, ME, world.service).serve)
                request = framing.encode_frame(wire.to_body(control.ReadView("/shop", "dotenv", "show")))
                await ours.send(request)
                await trio.lowlevel.wait_readable(ours)  # it has begun to send
                await trio.testing.wait_all_tasks_blocked(0.01)
                clock.jump(3000)
        assert clock.current_time() < 9000

    trio.run(main, clock=clock)
    world.open_vault.views.wipe()


def test_a_view_that_is_locked_while_it_is_sent_is_not_taken_for_the_whole(world: World) -> None:
    run(lambda: world.write("/shop", "".join(f"N{n}={'x' * 100_000}\n" for n in range(8))))
    run(lambda: world.ask(control.ReadView("/shop", "dotenv", "show")))

    async def main() -> None:
        ours, theirs = trio.socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with ours:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Connection(theirs, ME, world.service).serve)
                client = Client(ours)
                await client.send(framing.encode_frame(wire.to_body(control.ReadView("/shop", "dotenv", "show"))))
                await trio.lowlevel.wait_readable(ours)  # it has begun to send, and cannot go on
                await trio.testing.wait_all_tasks_blocked(0.01)
                world.open_vault.views.lock()
                assert await client.message() is None  # it breaks off: no last blob
                ours.close()

    run(main)


def test_following_the_log_ends_when_the_client_leaves(world: World) -> None:
    async def script(client: Client) -> None:
        await client.send(framing.encode_frame(wire.to_body(control.ReadLog(1, follow=True))))
        assert await client.message() is not None

    with_time = trio.testing.MockClock(rate=10)

    async def main() -> None:
        with trio.fail_after(600):
            await world.talk(script)

    trio.run(main, clock=with_time)


def test_a_follower_gets_each_entry_once(world: World) -> None:
    async def script(client: Client) -> None:
        await client.send(framing.encode_frame(wire.to_body(control.ReadLog(1, follow=True))))
        first = await client.message()
        assert first is not None
        for _ in range(3):
            await world.ask(control.ReadView("/shop", "value", "get", ("LOG",)))
        lines = []
        while len(lines) < 3:
            found = await client.message()
            assert found is not None
            assert isinstance(found[0], control.LogRow)
            lines.append(found[0].line)
        assert lines == [
            line + "\n" for line in (world.folder / "home/state/access.jsonl").read_text().splitlines()[-3:]
        ]

    talk(world, script)


# -- the daemon ends after its answer ----------------------------------------------------------------------------------


def test_the_daemon_is_told_to_end_only_after_its_answer_was_sent(world: World) -> None:
    async def script(client: Client) -> None:
        assert (await client.ask(control.Unmount())).reply == control.Done()

    talk(world, script)
    assert world.stopped


def test_a_stranger_cannot_end_the_daemon(world: World) -> None:
    reply = run(lambda: world.ask(control.Unmount(), STRANGER))
    assert isinstance(reply, control.Failed)
    assert not world.stopped


def test_a_bug_in_one_request_is_that_requests_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> object:
        raise ZeroDivisionError("hunter2")

    async def script(client: Client) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(world.open_vault.vault, "levels", fail)
            reply = (await client.ask(control.ListLevels())).reply
            assert isinstance(reply, control.Failed)
            assert reply.code == "failed"
            assert "hunter2" not in reply.text + reply.hint
        assert isinstance((await client.ask(control.ListLevels())).reply, control.Done)

    talk(world, script)
    assert "ZeroDivisionError" in capfd.readouterr().err
