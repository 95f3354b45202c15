"""One mount's life: made, served, undone."""

import gc
import os

import pyfuse3

from envfs.errors import MountFailed
from envfs.fuse import loop
from envfs.fuse.operations import Operations

_SPARE_WORKERS = 32
_WORKERS = 100_000  # an open that waits for a person holds a worker. Too few, and the whole mount would wait with it


class Mount:
    """A mount at `path`. `for_all` lets other uids than the mounting one ask (the gate still decides).

    With `is_attached` somebody else mounts (daemon/attaching.py), and this is the end that answers.
    """

    def __init__(self, operations: Operations, path: str, *, for_all: bool, is_attached: bool = False) -> None:
        """Mount. The kernel queues questions until `serve` answers them.

        Raises:
            MountFailed: the kernel or fusermount3 refuses
        """
        options = {"fsname=envfs", "subtype=envfs", "nosuid", "nodev", "noexec", "noatime"}
        if for_all:
            # the second for kernels without access lists: there root alone lists the mount point, and watches it
            options |= {"allow_other", "default_permissions"}
        self.device = _open_device() if is_attached else -1
        if is_attached:
            path = f"/dev/fd/{self.device}"  # libfuse's word for a device that is open, and is its own from here on
        try:
            pyfuse3.init(operations, path, options)
        except RuntimeError:
            raise MountFailed(
                f"cannot mount at {path}",
                "is fuse3 installed, and may this user open /dev/fuse? the daemon's log has fusermount3's own words",
            ) from None

    async def serve(self) -> None:
        """Answer the kernel until the mount is undone."""
        gc.freeze()
        loop.install_loop()
        try:
            await pyfuse3.main(min_tasks=_SPARE_WORKERS, max_tasks=_WORKERS)
        finally:
            loop.uninstall_loop()

    def close(self) -> None:
        """Undo the mount."""
        pyfuse3.close(unmount=True)


def _open_device() -> int:
    try:
        return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        raise MountFailed("cannot open /dev/fuse", "`envfs doctor` says what is wrong with it") from None
