"""The socket itself: in a folder of the daemon's own, open to every uid, bounded for each."""

import os
import socket
import stat
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trio

from envfs.control.server import Server, bind_socket
from envfs.errors import Conflict
from envfs.protocol import control, framing, wire
from tests.component.world import Client, World, run


def test_every_uid_may_connect_and_nobody_else_may_change_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"
    with bind_socket(str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_a_socket_that_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"
    bind_socket(str(path)).close()
    assert path.exists()
    with bind_socket(str(path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Conflict):
        bind_socket(str(folder / "control.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, 4321, 4321)
    with pytest.raises(Conflict):
        bind_socket(str(folder / "control.sock"))


@pytest.mark.parametrize("name", ["x" * 200, "folder"])
def test_where_no_socket_can_be_the_error_says_so_and_no_descriptor_is_left(tmp_path: Path, name: str) -> None:
    (tmp_path / "run" / "folder").mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Conflict):
        bind_socket(str(tmp_path / "run" / name))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_clients_are_served_at_once_and_known_by_their_uid(shared: World, tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "control.sock")

    async def main() -> None:
        with bind_socket(path) as listener:
            await ask(listener)

    async def ask(listener: socket.socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Server(shared.service).run, listener)

            async def one() -> None:
                with trio.socket.socket(socket.AF_UNIX) as stream:
                    await stream.connect(path)
                    replied = await Client(stream).ask(control.ReadView("/shop", "value", "get", ("LOG",)))
                    assert replied.blob == b"debug", replied

            async with trio.open_nursery() as clients:
                for _ in range(20):
                    clients.start_soon(one)
            nursery.cancel_scope.cancel()

    run(main)


def test_one_uid_gets_so_many_connections_and_no_more_until_some_leave(shared: World, tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "control.sock")

    async def main() -> None:
        with bind_socket(path) as listener:
            await ask(listener)

    async def ask(listener: socket.socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Server(shared.service).run, listener)
            streams = [trio.socket.socket(socket.AF_UNIX) for _ in range(70)]
            answered = 0
            for stream in streams:
                await stream.connect(path)
            for stream in streams:
                try:
                    answered += (await Client(stream).ask(control.Status())).reply is not None
                except OSError:
                    continue
            assert answered == 64
            for stream in streams:
                stream.close()
            assert await _is_answered_at_last(path)
            nursery.cancel_scope.cancel()

    run(main)


async def _connected(stack: ExitStack, path: str, count: int) -> list[Client]:
    streams = [stack.enter_context(trio.socket.socket(socket.AF_UNIX)) for _ in range(count)]
    for stream in streams:
        await stream.connect(path)
    return [Client(stream) for stream in streams]


async def _is_answered(path: str) -> bool:
    with trio.socket.socket(socket.AF_UNIX) as stream:
        await stream.connect(path)
        try:
            return isinstance((await Client(stream).ask(control.Status())).reply, control.StatusReport)
        except OSError:
            return False


async def _is_answered_at_last(path: str) -> bool:
    # on a busy machine the requests of the others are still being answered
    with trio.move_on_after(60):
        while True:
            if await _is_answered(path):
                return True
            await trio.sleep(0.05)
    return False


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"requests"], ids=["nothing", "half a frame", "requests"])
def test_connections_that_only_stand_there_make_room_for_the_same_users_next_one(
    shared: World, tmp_path: Path, sent: bytes
) -> None:
    path = str(tmp_path / "run" / "control.sock")
    requests = framing.encode_frame(wire.to_body(control.Status())) * 10
    data = sent if len(sent) < 3 else requests

    async def main() -> None:
        with bind_socket(path) as listener, ExitStack() as stack:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Server(shared.service).run, listener)
                begun = trio.current_time()
                for client in await _connected(stack, path, 64):
                    await client.send(data)
                answered = await _is_answered(path)
                assert not answered or trio.current_time() - begun > 0.5  # they came a moment ago
                for _ in range(70):
                    assert await _is_answered_at_last(path)
                nursery.cancel_scope.cancel()

    run(main)


def test_commands_that_wait_for_changes_leave_room_for_others_of_the_same_user(shared: World, tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "control.sock")

    async def main() -> None:
        with bind_socket(path) as listener, ExitStack() as stack:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Server(shared.service).run, listener)
                for client in await _connected(stack, path, 64):
                    await client.send(framing.encode_frame(wire.to_body(control.ReadLog(1, follow=True))))
                assert await _is_answered_at_last(path)
                nursery.cancel_scope.cancel()

    run(main)


_ASKS = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(bytes.fromhex(sys.argv[2]))
sys.stdout.buffer.write(peer.recv(1 << 16))
"""


def test_a_program_whose_connections_are_all_busy_makes_room_for_the_same_users_other_program(
    shared: World, tmp_path: Path
) -> None:
    path = str(tmp_path / "run" / "control.sock")
    request = framing.encode_frame(wire.to_body(control.Status()))

    async def keep_busy(client: Client) -> None:
        with suppress(OSError):
            while (await client.ask(control.Status())).reply is not None:
                pass

    async def main() -> None:
        with bind_socket(path) as listener, ExitStack() as stack:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Server(shared.service).run, listener)
                for client in await _connected(stack, path, 64):
                    nursery.start_soon(keep_busy, client)
                with trio.fail_after(60):  # one more of the same program, once all of these are busy
                    while await _is_answered(path):
                        await trio.lowlevel.checkpoint()
                command = [sys.executable, "-I", "-S", "-c", _ASKS, path, request.hex()]
                for _ in range(3):
                    done = await trio.run_process(command, capture_stdout=True)
                    assert b"status-report" in done.stdout
                nursery.cancel_scope.cancel()

    run(main)
