"""`python -m envfs.courier DESCRIPTOR`: started with one end of a socket pair by the daemon, or for one command.

The address comes as the first message: it may hold a password, and everybody reads arguments.
"""

import os
import signal
import socket
import sys

import trio

from envfs.core import limits
from envfs.courier.address import Address, parse_address
from envfs.courier.confinement import confine_courier
from envfs.courier.connecting import check_scheme, set_up_engine
from envfs.courier.engines.folder_setting_up import make_place
from envfs.courier.lazy_engine import LazyEngine
from envfs.courier.serving import EngineServer
from envfs.courier.streams import MessageStream, unexpected_message
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.host import surprises
from envfs.host.process import hardening
from envfs.host.supervision import supervised_nursery
from envfs.protocol.courier_requests import (
    REQUESTS,
    BeginCourier,
    CourierBegun,
    PrepareStore,
    StorePrepared,
    failure_of,
)

_NOWHERE = (0, 0)
_LOOK_SECONDS = 2.0


def main() -> int:
    """Serve an engine until the other end is closed. This process ends with the one that started it."""
    hardening.harden()
    hardening.give_up_privileges()
    hardening.end_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key typed at the terminal is for the one that started it
    try:
        trio.run(serve_courier, int(sys.argv[1]))
    except BaseException as error:  # noqa: BLE001 - whatever it is, its text may hold a password
        surprises.report_bug(error)
        return 1
    return 0


async def serve_courier(descriptor: int) -> None:
    """Serve the engine that the first message names."""
    sock = trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor))
    stream = MessageStream(trio.SocketStream(sock), REQUESTS, limits.RECORD_BYTES)
    try:
        packet = await stream.receive()
        if packet is None:
            return
        if isinstance(packet.message, BeginCourier):
            await _serve_address(parse_address(packet.message.address), stream)
        elif isinstance(packet.message, PrepareStore):
            address = parse_address(packet.message.address)
            check_scheme(address)
            make_place(address)
            confine_courier(address)
            await stream.send(StorePrepared(await set_up_engine(address, packet.message.members)))
        else:
            raise unexpected_message()
    except EnvFSError as error:
        await stream.send(failure_of(0, error))


async def _serve_address(address: Address, stream: MessageStream) -> None:
    check_scheme(address)
    root = _file_number(address.path) if address.scheme == "folder" else None
    if root == _NOWHERE:
        raise StoreUnavailable(f"the folder {address.path} is not there", "`envfs store init` makes one")
    await stream.send(CourierBegun(confine_courier(address)))
    server = EngineServer(LazyEngine(address), stream)
    async with supervised_nursery() as tasks:
        if root is not None:
            tasks.run(_end_without_folder, address.path, root, server)
        await server.run()
        tasks.cancel()


async def _end_without_folder(path: str, root: tuple[int, int], server: EngineServer) -> None:
    # a stick that comes back is another folder for the kernel, and this process has no right to it
    while True:
        if await trio.to_thread.run_sync(_file_number, path, abandon_on_cancel=True) != root:
            server.end()
            return
        await trio.sleep(_LOOK_SECONDS)


def _file_number(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return _NOWHERE
    return status.st_dev, status.st_ino


if __name__ == "__main__":
    sys.exit(main())
