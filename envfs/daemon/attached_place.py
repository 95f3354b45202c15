"""The place of a mount that somebody else makes: the daemon hands out its device, and waits until the mount is there.

Laws: root alone gets the device. The wait has an end.
"""

import os
import socket
import struct
from contextlib import suppress

import trio

from envfs.control.server import bind_socket
from envfs.daemon.mount_place import MountPlace
from envfs.errors import MountFailed
from envfs.host import mounts

_SECONDS = 60.0


class AttachedPlace(MountPlace):
    """A place at which daemon/attaching.py mounts once the daemon is ready, and from which it takes the mount away."""

    def prepare(self) -> None:
        """Leave that to the other process."""

    def leave(self) -> bool:
        """Forget the mount, which goes with its daemon."""
        for path in (self._places.mounted, self._places.attaching):
            with suppress(OSError):
                os.unlink(path)
        return False

    def listen(self) -> socket.socket:
        """Return the socket at which the device is handed out."""
        return bind_socket(self._places.attaching)

    async def wait_for_mount(self, listener: socket.socket, device: int) -> None:
        """Hand out the device, until the mount is there.

        Raises:
            MountFailed: it does not come
        """
        with listener, trio.move_on_after(_SECONDS):
            accepting = trio.socket.from_stdlib_socket(listener)
            while True:
                connection, _ = await accepting.accept()
                with connection, suppress(OSError):
                    await _hand_out(connection, device)
                if self._is_mounted():
                    return
        raise MountFailed(f"nobody mounted at {self.path}", "the unit does it by `envfs service attach`, as root")

    def _is_mounted(self) -> bool:
        mounted = mounts.mounted_at(self.path)
        return mounted is not None and mounted.kind == mounts.FILE_SYSTEM


async def _hand_out(connection: trio.socket.SocketType, device: int) -> None:
    _, uid, _ = struct.unpack("=3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid == 0:
        await connection.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", device))])
        await connection.recv(1)  # the other end closes once it has mounted, or could not
