"""The replies to the kernel, as bytes behind the header."""

import stat

from envfs.fuse.device.facts import EntryAttributes, FileInfo, FileSystemRoom
from envfs.fuse.device.layout import (
    ATTRIBUTES,
    ATTRIBUTES_HEAD,
    DIRECT_IO,
    ENTRY,
    KEEP_CACHE,
    LISTED,
    OPEN_OUT,
    OUT_HEADER,
    STATFS_OUT,
)

_SECOND_NS = 1_000_000_000


def header(unique: int, size: int, error: int = 0) -> bytes:
    """Return the header of a reply with so many bytes behind it."""
    return OUT_HEADER.pack(OUT_HEADER.size + size, -error, unique)


def entry(attributes: EntryAttributes) -> bytes:
    """Answer a look-up."""
    name, attribute = _split(attributes.entry_timeout), _split(attributes.attr_timeout)
    number, generation = attributes.st_ino, attributes.generation
    return ENTRY.pack(number, generation, name[0], attribute[0], name[1], attribute[1]) + _packed(attributes)


def attributes(attributes: EntryAttributes) -> bytes:
    """Answer a question about attributes."""
    seconds, ns = _split(attributes.attr_timeout)
    return ATTRIBUTES_HEAD.pack(seconds, ns, 0) + _packed(attributes)


def opened(file: FileInfo) -> bytes:
    """Answer an open."""
    return OPEN_OUT.pack(file.fh, DIRECT_IO * file.direct_io | KEEP_CACHE * file.keep_cache, 0)


def room(file_system: FileSystemRoom) -> bytes:
    """Answer statfs(2)."""
    size = file_system.block_size
    return STATFS_OUT.pack(0, 0, 0, 0, 0, size, file_system.longest_name, size, 0)


class ReaddirToken:
    """A piece of a listing that is being filled: as much as the kernel has room for."""

    def __init__(self, room: int) -> None:
        """Start with nothing in `room` bytes."""
        self._left = room
        self.filled = bytearray()

    def add(self, name: bytes, attributes: EntryAttributes, next_place: int) -> bool:
        """Add an entry. False, and it is not added, if there is no room for it."""
        kind = stat.S_IFMT(attributes.st_mode) >> 12
        listed = LISTED.pack(attributes.st_ino, next_place, len(name), kind) + name
        listed = entry(attributes) + listed.ljust(-(-len(listed) // 8) * 8, b"\0")
        if len(listed) > self._left:
            return False
        self._left -= len(listed)
        self.filled += listed
        return True


def readdir_reply(token: ReaddirToken, name: bytes, attributes: EntryAttributes, next_place: int) -> bool:
    """List an entry. False if there is no room for it: then it is asked for again."""
    return token.add(name, attributes, next_place)


def _split(seconds: float) -> tuple[int, int]:
    whole = int(seconds)
    return whole, int((seconds - whole) * _SECOND_NS)


def _packed(attributes: EntryAttributes) -> bytes:
    accessed, changed, status = attributes.st_atime_ns, attributes.st_mtime_ns, attributes.st_ctime_ns
    return ATTRIBUTES.pack(
        attributes.st_ino,
        attributes.st_size,
        attributes.st_blocks,
        accessed // _SECOND_NS,
        changed // _SECOND_NS,
        status // _SECOND_NS,
        accessed % _SECOND_NS,
        changed % _SECOND_NS,
        status % _SECOND_NS,
        attributes.st_mode,
        attributes.st_nlink,
        attributes.st_uid,
        attributes.st_gid,
        0,
        attributes.st_blksize,
        0,
    )
