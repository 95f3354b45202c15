"""One mount's life: made, served, undone."""

import gc

from envfs import safe_open
from envfs.errors import MountFailed
from envfs.fuse.device import fuse_device
from envfs.fuse.loop import Loop
from envfs.fuse.operations import Operations


class Mount:
    """A mount at `path`. `for_all` lets other uids than the mounting one ask (the gate still decides)."""

    def __init__(self, operations: Operations, path: str, *, for_all: bool) -> None:
        """Mount. The kernel queues questions until `serve` answers them.

        Raises:
            MountFailed: the kernel or fusermount3 refuses
        """
        # the second for kernels without access lists: there root alone lists the mount point, and watches it
        options = ("allow_other", "default_permissions") if for_all else ()
        try:
            self.device = fuse_device.mount(path, options=options)
        except OSError as error:
            raise MountFailed(
                f"cannot mount at {path}: {safe_open.error_words(error)}",
                "is fuse3 installed, and may this user open /dev/fuse? the daemon's log has fusermount3's own words",
            ) from None
        self._loop = Loop(self.device, operations, operations.warm_answers(self.device))

    async def serve(self) -> None:
        """Answer the kernel until the mount is undone."""
        gc.freeze()
        await self._loop.run()

    def close(self) -> None:
        """Undo the mount."""
        self.device.close()
