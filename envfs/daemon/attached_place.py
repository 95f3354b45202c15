"""The place of a mount that somebody else makes: the daemon hands out its device, and waits until the mount is there.

Of a user's daemon that cannot gain privileges it is the other way round: fusermount3 opens the device as it mounts, and
the daemon is given it.

Laws: root alone gets the device, and the user alone brings one. The wait has an end.
"""

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import trio

from envfs.control.server import bind_socket
from envfs.daemon.mount_place import MountPlace
from envfs.errors import MountFailed
from envfs.host import fusermount, mounts
from envfs.locations import Locations

_SECONDS = 60.0


class AttachedPlace(MountPlace):
    """A place at which daemon/attaching.py mounts once the daemon is ready, and from which it takes the mount away."""

    _listener: socket.socket  # both from `obtain_device` on
    _device: int

    def prepare(self) -> None:
        """Leave that to the other process."""

    def leave(self) -> bool:
        """Forget the mount, which goes with its daemon."""
        for path in (self._places.mounted, self._places.attaching):
            with suppress(OSError):
                os.unlink(path)
        return False

    async def obtain_device(self, tell: Callable[..., None]) -> int:
        """Return the device that this daemon answers at. `tell` has the service manager start the other process.

        Raises:
            MountFailed: it cannot be opened, or does not come
        """
        self._listener = bind_socket(self._places.attaching)
        tell("READY=1", f"STATUS=waiting for the mount at {self.path}")
        self._device = await self._wait_for_device(self._listener)
        return self._device

    async def wait_for_mount(self) -> None:
        """Hand out the device, until the mount is there.

        Raises:
            MountFailed: it does not come
        """
        with self._listener as listener, trio.move_on_after(_SECONDS):
            accepting = trio.socket.from_stdlib_socket(listener)
            while True:
                connection, _ = await accepting.accept()
                with connection, suppress(OSError):
                    await _hand_out(connection, self._device)
                if self._is_mounted():
                    return
        raise MountFailed(f"nobody mounted at {self.path}", "the unit does it by `envfs service attach`, as root")

    async def _wait_for_device(self, listener: socket.socket) -> int:
        try:
            return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            listener.close()
            raise MountFailed("cannot open /dev/fuse", "`envfs doctor` says what is wrong with it") from None

    def _is_mounted(self) -> bool:
        mounted = mounts.mounted_at(self.path)
        return mounted is not None and mounted.kind == mounts.FILE_SYSTEM


class OwnAttachedPlace(AttachedPlace):
    """The place of a user's daemon that cannot gain privileges: the other process brings the device of fusermount3.

    The link in the home folder is the other's to make, as the home may be one that this daemon reads alone.
    """

    def __init__(self, places: Locations, path: str) -> None:
        """Use `path`, without a link."""
        super().__init__(places, path)
        self._link = ""

    async def wait_for_mount(self) -> None:
        """Return: the mount came with the device."""

    async def _wait_for_device(self, listener: socket.socket) -> int:
        with listener, trio.move_on_after(_SECONDS):
            accepting = trio.socket.from_stdlib_socket(listener)
            while True:
                connection, _ = await accepting.accept()
                with connection, suppress(OSError):
                    descriptor = await _receive(connection)
                    if descriptor >= 0:
                        return descriptor
        raise MountFailed(
            f"nobody mounted at {self.path}",
            "without new privileges this process cannot: its unit runs `envfs service attach` beside it",
        )


async def _hand_out(connection: trio.socket.SocketType, device: int) -> None:
    if _uid_of(connection) == 0:
        await connection.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", device))])
        await connection.recv(1)  # the other end closes once it has mounted, or could not


async def _receive(connection: trio.socket.SocketType) -> int:
    if _uid_of(connection) != os.geteuid():
        return -1
    received: list[int] = []
    ancillary: list[tuple[int, int, bytes]] = []
    with trio.move_on_after(_SECONDS):
        _, ancillary, _, _ = await connection.recvmsg(1, socket.CMSG_SPACE(4))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received += struct.unpack(f"={len(data) // 4}i", data)
    for descriptor in received:
        os.set_inheritable(descriptor, False)
        if fusermount.is_device(descriptor):
            return descriptor
        os.close(descriptor)
    return -1


def _uid_of(connection: trio.socket.SocketType) -> int:
    uid: int = struct.unpack("=3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    return uid
