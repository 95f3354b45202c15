"""One mount's life: made, served, undone."""

import gc

import pyfuse3

from envfs.errors import MountFailed
from envfs.fuse import loop
from envfs.fuse.operations import Operations
from envfs.host import mounts

_SPARE_WORKERS = 32
_WORKERS = 100_000  # an open that waits for a person holds a worker. Too few, and the whole mount would wait with it


class Mount:
    """A mount at `path`. `for_all` lets other uids than the mounting one ask (the gate still decides).

    With a `device` somebody else mounts (daemon/attaching.py), and this is the end that answers.
    """

    def __init__(self, operations: Operations, path: str, *, for_all: bool, device: int = -1) -> None:
        """Mount. The kernel queues questions until `serve` answers them.

        Raises:
            MountFailed: the kernel or fusermount3 refuses
        """
        options = set(mounts.OPTIONS)
        if for_all:
            # the second for kernels without access lists: there root alone lists the mount point, and watches it
            options |= {"allow_other", "default_permissions"}
        if device >= 0:
            path = f"/dev/fd/{device}"  # libfuse's word for a device that is open, and is its own from here on
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
