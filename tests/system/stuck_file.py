"""A file system of one file that never answers once that is open: `python stuck_file.py MOUNT` says `ready` first.

Then neither `fstat` of the file nor the `close` of a descriptor of it ends.
"""

import stat
import sys

import pyfuse3
import trio

FILE = 2


class StuckFile(pyfuse3.Operations):
    """The root, and any name in it, which is that of the file."""

    is_open = False

    async def lookup(self, _parent: int, _name: bytes, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Find the file."""
        return await self.getattr(FILE, ctx)

    async def getattr(self, inode: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Describe the root, and the file as long as nobody has opened it."""
        if inode == FILE and self.is_open:
            await trio.sleep_forever()
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.st_mode = stat.S_IFREG | 0o666 if inode == FILE else stat.S_IFDIR | 0o777
        return entry

    async def open(self, _inode: int, _flags: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.FileInfo:
        """Open the file."""
        self.is_open = True
        return pyfuse3.FileInfo(fh=FILE)

    async def flush(self, _fh: int) -> None:
        """Answer never."""
        await trio.sleep_forever()

    async def release(self, _fh: int) -> None:
        """Do nothing."""


if __name__ == "__main__":
    pyfuse3.init(StuckFile(), sys.argv[1], {"fsname=stuck", "allow_other"})
    print("ready", flush=True)
    trio.run(pyfuse3.main)
