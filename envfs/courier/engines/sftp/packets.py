"""The packets of SFTP, version 3, as far as an engine takes them: draft-ietf-secsh-filexfer-02. Pure.

Law: the server is not believed. A packet is bounded, and one that ends early or says more is nonsense.
"""

import stat
import struct
from enum import IntEnum
from typing import Final, NamedTuple

from envfs.courier.questions import nonsense

VERSION: Final = 3
_LARGEST: Final = 1 << 18  # OpenSSH's own limit. A server has to send no more than what was asked for
_SIZE, _OWNER, _MODE, _TIMES, _EXTENDED = 1, 2, 4, 8, 1 << 31  # what attributes have


class Kind(IntEnum):
    """The kinds of packets."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Flag(IntEnum):
    """How a file is opened."""

    READ = 1
    WRITE = 2
    NEW = 2 | 8 | 32  # to be written, made, and not there before


class Code(IntEnum):
    """The codes of a status that mean something here."""

    OK = 0
    END = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3


class FileFacts(NamedTuple):
    """The facts of a file. A server may leave any out: the mode is 0 then, and the time -1."""

    size: int = 0
    mode: int = 0
    time: int = -1

    @property
    def is_folder(self) -> bool:
        """Tell whether it is one, as far as the server says."""
        return stat.S_ISDIR(self.mode)


def number(value: int) -> bytes:
    """Return a number of four bytes."""
    return struct.pack(">I", value)


def offset(value: int) -> bytes:
    """Return a number of eight bytes."""
    return struct.pack(">Q", value)


def text(value: str | bytes) -> bytes:
    """Return a text, with its length before it."""
    data = value if isinstance(value, bytes) else value.encode()
    return number(len(data)) + data


def attributes(*, mode: int | None = None, size: int | None = None) -> bytes:
    """Return attributes for a request."""
    flags = (0 if size is None else _SIZE) | (0 if mode is None else _MODE)
    return number(flags) + (b"" if size is None else offset(size)) + (b"" if mode is None else number(mode))


def packet(kind: Kind, body: bytes) -> bytes:
    """Return a packet whole."""
    return number(len(body) + 1) + bytes((kind,)) + body


class Body:
    """The content of a packet, taken piece by piece."""

    def __init__(self, data: bytes) -> None:
        """Begin at the beginning."""
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Tell whether all was taken."""
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        """Take so many bytes.

        Raises:
            StoreUnavailable: there are fewer
        """
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise nonsense()
        self._at += size
        return piece

    def number(self) -> int:
        """Take a number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def offset(self) -> int:
        """Take a number of eight bytes."""
        return int.from_bytes(self.take(8), "big")

    def text(self) -> bytes:
        """Take a text."""
        return self.take(self.number())

    def facts(self) -> FileFacts:
        """Take the attributes of a file."""
        flags, size, mode, time = self.number(), 0, 0, -1
        if flags & _SIZE:
            size = self.offset()
        if flags & _OWNER:
            self.take(8)
        if flags & _MODE:
            mode = self.number()
        if flags & _TIMES:
            self.number()
            time = self.number()
        if flags & _EXTENDED:
            for _ in range(self.number()):
                self.text()
                self.text()
        return FileFacts(size, mode, time)


class PacketDecoder:
    """Packets out of a stream of bytes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes that came."""
        self._buffer += data

    def next_packet(self) -> tuple[int, Body] | None:
        """Return the kind of the next packet, and its content. None: it is not whole yet.

        Raises:
            StoreUnavailable: it is over the limit, or empty
        """
        if len(self._buffer) < 4:  # noqa: PLR2004 - of the length
            return None
        size = int.from_bytes(self._buffer[:4], "big")
        if not 0 < size <= _LARGEST:
            raise nonsense()
        if len(self._buffer) < 4 + size:
            return None
        data = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        return data[0], Body(data[1:])
