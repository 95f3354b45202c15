"""The numbers and structures of linux/fuse.h, version 7.31, as far as they are used here."""

from enum import IntEnum
from struct import Struct
from typing import Final


class Opcode(IntEnum):
    """The kinds of questions."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    SETXATTR = 21
    GETXATTR = 22
    LISTXATTR = 23
    REMOVEXATTR = 24
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    RELEASEDIR = 29
    FSYNCDIR = 30
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    POLL = 40
    BATCH_FORGET = 42
    READDIRPLUS = 44
    RENAME2 = 45


VERSION: Final = (7, 31)
# of FUSE_INIT, by their names there
ASYNC_READ, ATOMIC_O_TRUNC, BIG_WRITES = 1 << 0, 1 << 3, 1 << 5
AUTO_INVAL_DATA, DO_READDIRPLUS, ASYNC_DIO = 1 << 12, 1 << 13, 1 << 15
POSIX_ACL, MAX_PAGES = 1 << 20, 1 << 22
# of opening
DIRECT_IO, KEEP_CACHE = 1 << 0, 1 << 1
# of FUSE_SETATTR
SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_ATIME, SET_MTIME, SET_HANDLE = (1 << bit for bit in range(7))
SET_ATIME_NOW, SET_MTIME_NOW = 1 << 7, 1 << 8
# notifications
INVALID_INODE, INVALID_ENTRY = 2, 3

IN_HEADER: Final = Struct("<IIQQIIII")  # length, opcode, unique, inode, uid, gid, pid, 0
OUT_HEADER: Final = Struct("<IiQ")  # length, -errno, unique
UNIQUE, UNIQUE_AT = Struct("<Q"), 8  # and where it is in that
INIT_IN: Final = Struct("<IIII")  # major, minor, most bytes of reading ahead, flags
INIT_OUT: Final = Struct("<IIIIHHIIHH32x")
ATTRIBUTES: Final = Struct("<QQQQQQIIIIIIIIII")  # ino, size, blocks, 3 times, their ns, mode, nlink, uid, gid, …
ENTRY: Final = Struct("<QQQQII")  # inode, generation, seconds of the name and of attributes, their ns
ATTRIBUTES_HEAD: Final = Struct("<QII")  # seconds of attributes, their ns
OPEN_OUT: Final = Struct("<QII")  # handle, flags
READ_IN: Final = Struct("<QQI")  # handle, offset, size
HANDLE_IN: Final = Struct("<Q")
SETATTR_IN: Final = Struct("<IIQ")  # fields, 0, handle
FLAGS_IN: Final = Struct("<I")  # of FUSE_OPEN; mask of FUSE_ACCESS; size of FUSE_GETXATTR
FSYNC_IN: Final = Struct("<QI")  # handle, flags
POLL_IN: Final = Struct("<QQ")  # handle, the kernel's own handle
FORGET_ONE: Final = Struct("<QQ")  # inode, times
BATCH_IN: Final = Struct("<II")  # count, 0
STATFS_OUT: Final = Struct("<QQQQQIIII24x")  # blocks, free, available, files, free, block, name, fragment
LISTED: Final = Struct("<QQII")  # inode, offset of the next, length of the name, kind
INVALID_INODE_OUT: Final = Struct("<Qqq")  # inode, from, length
INVALID_ENTRY_OUT: Final = Struct("<QII")  # folder, length of the name, flags
