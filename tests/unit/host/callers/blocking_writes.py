"""A file system of one file, to which no write ends: `python blocking_writes.py MOUNT` says `ready` and serves.

A process that maps the file while a page of it waits to be written holds the lock of its memory for as long as that.
"""

import errno
import os
import stat
import sys

import pyfuse3
import trio

FILE = 2
SIZE = 1 << 20


class BlockingWrites(pyfuse3.Operations):
    """The root, and any name in it, which is that of the file."""

    async def lookup(self, _parent: int, _name: bytes, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Find the file."""
        return await self.getattr(FILE, ctx)

    async def getattr(self, inode: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Describe the root or the file."""
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.st_mode = stat.S_IFREG | 0o666 if inode == FILE else stat.S_IFDIR | 0o777
        entry.st_size = SIZE if inode == FILE else 0
        entry.attr_timeout = entry.entry_timeout = 1000
        return entry

    async def open(self, _inode: int, flags: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.FileInfo:
        """Open the file, to append past the cache."""
        return pyfuse3.FileInfo(fh=FILE, keep_cache=True, direct_io=bool(flags & os.O_APPEND))

    async def read(self, _fh: int, _off: int, size: int) -> bytes:
        """Read what the file is full of."""
        return bytes(size)

    async def write(self, _fh: int, _off: int, _data: bytes) -> int:
        """Answer never."""
        print("blocked", flush=True)
        await trio.sleep_forever()
        raise pyfuse3.FUSEError(errno.EIO)

    async def flush(self, _fh: int) -> None:
        """Do nothing."""

    async def release(self, _fh: int) -> None:
        """Do nothing."""


if __name__ == "__main__":
    pyfuse3.init(BlockingWrites(), sys.argv[1], {"fsname=blocking", "allow_other"} if os.geteuid() == 0 else set())
    print("ready", flush=True)
    trio.run(pyfuse3.main)
