"""Which file it is, from what the kernel knows of it already: no file system is asked, so none can keep us waiting.

Sources: statx(2), openat2(2).
"""

import ctypes
import functools
import os
import struct
from typing import NamedTuple

from envfs.host.libc import LIBC, last_error

_EMPTY_PATH, _DONT_SYNC = 0x1000, 0x4000
_BASIC, _MOUNT, _UNIQUE_MOUNT = 0x7FF, 0x1000, 0x4000
_STATX_BYTES = 256
_HEAD = struct.Struct("=I4xQIIIHxxQQ")  # mask, attributes, links, uid, gid, mode, inode, size
_CHANGED, _WRITTEN = struct.Struct("=qI"), struct.Struct("=qI")
_READ_AT, _CREATED_AT = 64, 80  # when it was read last stands between these, and is not looked at
_CHANGED_AT, _WRITTEN_AT, _DEVICE_AT, _MOUNT_AT = 96, 112, 136, 144
_DEVICE = struct.Struct("=II")
_NANO = 1_000_000_000
_OPENAT2, _RESOLVE_CACHED, _RESOLVE_BENEATH = 437, 0x20, 0x08
_TRIES = 3  # a rename anywhere makes the kernel look again, and it does not under RESOLVE_CACHED


class FileIdentity(NamedTuple):
    """A file as the kernel has it in memory. `mount` is the id of its mount, which is never given again if `is_unique`.

    `changed_ns` is the ctime and `written_ns` the mtime, in nanoseconds since 1970.
    """

    device: int
    inode: int
    size: int
    mode: int
    links: int
    written_ns: int
    changed_ns: int
    mount: int
    is_unique: bool

    def is_same_file(self, other: "FileIdentity") -> bool:
        """Tell whether it is the same file by the same mount, whatever was written to it."""
        return (self.device, self.inode, self.mount) == (other.device, other.inode, other.mount)


def identify_file(folder: int, name: str = "") -> FileIdentity:
    """Look at a file by its name in a folder, or with no name at what a descriptor is of. Links are followed.

    Raises:
        OSError: there is none, or it may not be looked at
    """
    answer = _statx(folder, name, _BASIC | _MOUNT | _UNIQUE_MOUNT)
    return _parse(answer[:_READ_AT] + bytes(_CREATED_AT - _READ_AT) + answer[_CREATED_AT:])


def mount_number(folder: int, name: str = "") -> int:
    """Return the id of a file's mount as `mountinfo` has it.

    Raises:
        OSError: there is none, or it may not be looked at
    """
    return int.from_bytes(_statx(folder, name, _MOUNT)[_MOUNT_AT : _MOUNT_AT + 8], "little")


def open_cached(path: bytes, folder: int = -100, *, beneath: bool = False) -> int:
    """Open a path (O_PATH) if every step of it is in the kernel's memory, as those of a file in use are.

    `beneath`: no step may lead out of `folder`.

    Raises:
        OSError: it is not, or there is no such path
    """
    resolve = _RESOLVE_CACHED | (_RESOLVE_BENEATH if beneath else 0)
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, resolve)
    for left in reversed(range(_TRIES)):
        handle: int = LIBC.syscall(_OPENAT2, folder, path, how, len(how))
        if handle >= 0:
            return handle
        error = last_error()
        if not left or not isinstance(error, BlockingIOError):
            raise error
    raise AssertionError


def _statx(folder: int, name: str, mask: int) -> bytes:
    answer = ctypes.create_string_buffer(_STATX_BYTES)
    flags = _DONT_SYNC | (0 if name else _EMPTY_PATH)
    if LIBC.statx(folder, os.fsencode(name), flags, mask, answer) != 0:
        raise last_error()
    return answer.raw


@functools.lru_cache(maxsize=256)  # each look at a process that runs the same program gives the same bytes
def _parse(answer: bytes) -> FileIdentity:
    mask, _, links, _, _, mode, inode, size = _HEAD.unpack_from(answer)
    changed, changed_part = _CHANGED.unpack_from(answer, _CHANGED_AT)
    written, written_part = _WRITTEN.unpack_from(answer, _WRITTEN_AT)
    return FileIdentity(
        device=os.makedev(*_DEVICE.unpack_from(answer, _DEVICE_AT)),
        inode=inode,
        size=size,
        mode=mode,
        links=links,
        written_ns=written * _NANO + written_part,
        changed_ns=changed * _NANO + changed_part,
        mount=int.from_bytes(answer[_MOUNT_AT : _MOUNT_AT + 8], "little"),
        is_unique=bool(mask & _UNIQUE_MOUNT),
    )
