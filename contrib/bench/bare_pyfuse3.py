"""The baseline of reading: a file system of one file, as pyfuse3's documentation would write it, and nothing more.

bare_pyfuse3.py MOUNT FILE     serve FILE's bytes at MOUNT/shop/prod/.env until SIGTERM

Law: the kernel is told the same as by EnvFS (mount options, no caching of names, attributes or content, no flush), so
that it asks the same questions; what differs is all that EnvFS does to answer them.
"""

import errno
import os
import signal
import stat
import sys
from pathlib import Path

import pyfuse3
import trio

ROOT, SHOP, PROD, VIEW = pyfuse3.ROOT_INODE, 2, 3, 4
CHILDREN = {(ROOT, b"shop"): SHOP, (SHOP, b"prod"): PROD, (PROD, b".env"): VIEW}
OPTIONS = {"fsname=bare", "subtype=bare", "nosuid", "nodev", "noexec", "noatime"}


class Bare(pyfuse3.Operations):
    """Three folders, one file."""

    supports_dot_lookup = False
    enable_writeback_cache = False

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    async def lookup(self, parent_inode: int, name: bytes, _ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Find a name in a folder."""
        inode = CHILDREN.get((parent_inode, name))
        if inode is None:
            raise pyfuse3.FUSEError(errno.ENOENT)
        return self.describe(inode)

    async def getattr(self, inode: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Describe an inode."""
        return self.describe(inode)

    def describe(self, inode: int) -> pyfuse3.EntryAttributes:
        """Fill in a fresh description."""
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.st_mode = stat.S_IFREG | 0o400 if inode == VIEW else stat.S_IFDIR | 0o500
        entry.st_nlink = 1
        entry.st_size = len(self.content) if inode == VIEW else 0
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    async def open(self, inode: int, _flags: int, _ctx: pyfuse3.RequestContext) -> pyfuse3.FileInfo:
        """Open the file."""
        return pyfuse3.FileInfo(fh=inode, direct_io=True, keep_cache=False)

    async def read(self, _fh: int, off: int, size: int) -> bytes:
        """Read from the file."""
        return self.content[off : off + size]

    async def release(self, _fh: int) -> None:
        """Nothing was kept."""

    async def flush(self, _fh: int) -> None:
        """Answer ENOSYS once, and the kernel asks no more."""
        raise pyfuse3.FUSEError(errno.ENOSYS)


async def serve() -> None:
    """Answer the kernel until SIGTERM or SIGINT."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pyfuse3.main)
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()


def main() -> None:
    """Mount, serve, unmount."""
    mount, file = sys.argv[1:]
    options = OPTIONS | ({"allow_other"} if os.getuid() == 0 else set())
    pyfuse3.init(Bare(Path(file).read_bytes()), mount, options)
    try:
        trio.run(serve)
    finally:
        pyfuse3.close()


if __name__ == "__main__":
    main()
