"""The types that handlers are given and return: callers, attributes, opened files, errors."""

import os
from typing import NamedTuple

ROOT_INODE = 1


class FUSEError(Exception):
    """The error of a request, by its errno."""

    def __init__(self, number: int) -> None:
        """Answer with the errno `number`."""
        super().__init__(number)
        self.errno = number

    def __str__(self) -> str:
        """Say what the number means."""
        return os.strerror(self.errno)


class RequestContext(NamedTuple):
    """The asker of a question: the numbers that the kernel tells of a process or thread."""

    uid: int
    gid: int
    pid: int


class EntryAttributes:
    """The attributes of an inode, and for how many seconds the kernel may know its name and them."""

    __slots__ = (
        "attr_timeout",
        "entry_timeout",
        "generation",
        "st_atime_ns",
        "st_blksize",
        "st_blocks",
        "st_ctime_ns",
        "st_gid",
        "st_ino",
        "st_mode",
        "st_mtime_ns",
        "st_nlink",
        "st_size",
        "st_uid",
    )

    def __init__(self) -> None:
        """Start with zeros, and one link."""
        self.st_ino = self.generation = self.st_mode = self.st_uid = self.st_gid = 0
        self.st_size = self.st_blocks = self.st_blksize = 0
        self.st_atime_ns = self.st_mtime_ns = self.st_ctime_ns = 0
        self.st_nlink = 1
        self.entry_timeout = self.attr_timeout = 0.0


class FileInfo(NamedTuple):
    """An opened file: the number of its handle, and what the kernel may do with its pages."""

    fh: int
    direct_io: bool = False
    keep_cache: bool = False


class SetattrFields(NamedTuple):
    """Which attributes a request wants to change."""

    update_mode: bool
    update_uid: bool
    update_gid: bool
    update_size: bool
    update_atime: bool
    update_mtime: bool


class FileSystemRoom(NamedTuple):
    """The answer to statfs(2), as far as it is not zero."""

    block_size: int
    longest_name: int
