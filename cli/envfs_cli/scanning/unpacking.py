"""Contents that hold others: gzip, bzip2, xz, zstd, tar and zip, one in the other.

Laws: nothing is written to a disk. Depth and size are bounded, of one file and of a scan. Of one that goes over a
bound, or is damaged, the part before is scanned, and it is named. A compressed text has the lines of the text.
"""

import itertools
import os
import struct
import zlib

from envfs.errors import EnvFSError
from envfs_cli.scanning.contents import PIECE, ScannedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO, Protocol

    from envfs_cli.scanning.contents import Piece, ScanPlace

    Bounded = Callable[[ScannedFile], ScannedFile]

    class _Decoder(Protocol):
        @property
        def eof(self) -> bool: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes, /) -> bytes: ...


_DEEPEST = 6
_MOST_UNPACKED = 16 << 30  # bytes of one file
_MOST_OF_SCAN = 64 << 30  # bytes of all files
_MEMBER, _ARCHIVE = 1 << 12, 1 << 16  # bytes that take as long as a member without any, and as an archive
_MOST_SPOOLED = 1 << 30  # bytes of a zip in another archive, which has its directory at its end
_HEAD = 512  # bytes, by which a kind is known
_DECODED_AT_ONCE = 1 << 12  # bytes, which become 130 MB at the most: 4 bytes of zstd may stand for 128 KB
_DESCRIBING = frozenset((b"L", b"K", b"x", b"g", b"X"))  # kinds of members of a tar: names and facts of another one
_MOST_DESCRIBED = 1 << 20  # bytes of them
_MOST_AT_END = 16
_GZIP = zlib.MAX_WBITS | 16
_TAR_AT, _TAR = 257, b"ustar"
_COMPRESSED = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Unpacker:
    """The unpacking of contents. `tell` hears the path and what is wrong with it."""

    def __init__(self, tell: "Callable[[str, str], None]") -> None:
        """Begin."""
        self._tell = tell
        self._left, self._left_of_scan = 0, _MOST_OF_SCAN

    def unpack(self, content: ScannedFile) -> "Iterator[ScannedFile]":
        """Yield a content, or those in it."""
        self._left = _MOST_UNPACKED
        yield from self._unpacked(content, 0)

    def _unpacked(self, content: ScannedFile, depth: int) -> "Iterator[ScannedFile]":
        head, pieces = _peeked(content.pieces)
        content = ScannedFile(content.place, pieces)
        kind = _kind(head)
        if not kind or depth == _DEEPEST:
            yield ScannedFile(content.place, self._guarded(content)) if depth else content
            return
        try:
            self._spend(_ARCHIVE)
            for member in self._members(content.place, self._without_holes(pieces), kind):
                self._spend(_MEMBER)
                yield from self._unpacked(member, depth + 1)
        except _failures() as error:
            self._tell(content.place.shown(), _reason(error))

    def _guarded(self, content: ScannedFile) -> "Iterator[Piece]":
        try:
            yield from content.pieces
        except _failures() as error:
            self._tell(content.place.shown(), _reason(error))

    def _members(self, place: "ScanPlace", pieces: "Iterable[bytes]", kind: str) -> "Iterator[ScannedFile]":
        if kind == "tar":
            yield from _tar_members(place, pieces, self._bounded)
        elif kind == "zip":
            yield from map(self._bounded, _zip_members(place, pieces))
        else:
            yield self._bounded(ScannedFile(place, _decoded(pieces, kind)))

    def _bounded(self, content: ScannedFile) -> ScannedFile:
        return ScannedFile(content.place, self._counted(content.pieces))

    def _counted(self, pieces: "Iterable[Piece]") -> "Iterator[bytes]":
        for piece in self._without_holes(pieces):
            self._spend(len(piece))
            yield piece

    def _without_holes(self, pieces: "Iterable[Piece]") -> "Iterator[bytes]":
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from self._zeros(piece.size)

    def _zeros(self, size: int) -> "Iterator[bytes]":
        for at in range(0, size, PIECE):
            self._spend(PIECE)
            yield bytes(min(PIECE, size - at))

    def _spend(self, size: int) -> None:
        self._left -= size
        self._left_of_scan -= size
        if self._left_of_scan < 0:
            raise EnvFSError(f"a scan unpacks {_MOST_OF_SCAN >> 30} GB, which are spent")
        if self._left < 0:
            raise EnvFSError("it holds more than is unpacked")


def _reason(error: BaseException) -> str:
    what = error.text if isinstance(error, EnvFSError) else "it is damaged or encrypted"
    return f"{what}, so a part of it was not searched"


def _failures() -> "tuple[type[BaseException], ...]":
    # asked for when something was raised: the modules are slow to load
    import lzma
    import tarfile
    import zipfile

    own = (EnvFSError, ValueError, EOFError, OSError, RuntimeError, LookupError, MemoryError, struct.error, zlib.error)
    return (*own, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, *_zstd_failures())


def _zstd_failures() -> "tuple[type[BaseException], ...]":
    try:
        from zstandard import ZstdError
    except ImportError:
        return ()
    return (ZstdError,)


def _peeked(pieces: "Iterable[Piece]") -> "tuple[bytes, Iterator[Piece]]":
    iterator = iter(pieces)
    head: list[Piece] = []
    for piece in iterator:
        head = [b"".join((*head, piece))] if isinstance(piece, bytes) else [*head, piece]  # type: ignore[arg-type]
        if not isinstance(piece, bytes) or len(head[0]) >= _HEAD:
            break
    return head[0] if head and isinstance(head[0], bytes) else b"", itertools.chain(head, iterator)


def _kind(head: bytes) -> str:
    for start, kind in _COMPRESSED:
        if head.startswith(start):
            return kind
    if head.startswith(_ZIP):
        return "zip"
    return "tar" if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR else ""


# -- compressed --------------------------------------------------------------------------------------------------------


def _decoded(pieces: "Iterable[bytes]", kind: str) -> "Iterator[bytes]":
    decoder = _decoder(kind)
    for piece in _slices(pieces):
        data = piece
        while data:
            if decoder.eof:
                if not data.strip(b"\0"):
                    break  # what fills up a block
                decoder = _decoder(kind)  # one more member of the same stream
            yield from _decompressed(decoder, data)
            data = decoder.unused_data if decoder.eof else b""
    if not decoder.eof:
        raise EOFError


def _slices(pieces: "Iterable[bytes]") -> "Iterator[bytes]":
    for piece in pieces:
        for at in range(0, len(piece), _DECODED_AT_ONCE):
            yield piece[at : at + _DECODED_AT_ONCE]


def _decompressed(decoder: "_Decoder", data: bytes) -> "Iterator[bytes]":
    if decoder.__class__.__module__ not in ("_bz2", "_lzma"):
        yield from _in_pieces(decoder.decompress(data))
        return
    # of these two a slice may become gigabytes
    most: dict[str, int] = {"max_length": PIECE}
    yield decoder.decompress(data, **most)
    while not (decoder.eof or getattr(decoder, "needs_input", True)):
        yield decoder.decompress(b"", **most)


def _in_pieces(data: bytes) -> "Iterator[bytes]":
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


def _decoder(kind: str) -> "_Decoder":
    if kind == "gzip":
        return zlib.decompressobj(_GZIP)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    if kind == "xz":
        import lzma

        return lzma.LZMADecompressor()
    return _zstd_decoder()


def _zstd_decoder() -> "_Decoder":
    try:
        import zstandard
    except ImportError:
        raise EnvFSError("it is compressed by zstd, which takes the package zstandard") from None
    return zstandard.ZstdDecompressor().decompressobj()


# -- archives ----------------------------------------------------------------------------------------------------------


class _Stream:
    """Pieces as a file that can be read forwards.

    It is read at its end a few times and no more: the head of a member may tell of bytes without an end.
    """

    def __init__(self, pieces: "Iterable[bytes]") -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._left_at_end = _MOST_AT_END

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing:
            part = self._held or next(self._pieces, b"")
            if not part:
                break
            parts.append(part[:missing])
            self._held = part[missing:]
            missing -= len(parts[-1])
        self._left_at_end -= not parts
        if self._left_at_end < 0:
            raise EOFError
        return b"".join(parts)


def _tar_members(place: "ScanPlace", pieces: "Iterable[bytes]", bounded: "Bounded") -> "Iterator[ScannedFile]":
    import tarfile

    class Member(tarfile.TarInfo):
        """A member of which the names and other facts are of a size that is of use: they are read into memory."""

        def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
            # the entry point for what a member is: Python 3.13 calls no other method between the head and the content
            if self.type in _DESCRIBING and self.size > _MOST_DESCRIBED:
                raise EnvFSError("a name in it is too long")
            return super()._proc_member(archive)  # type: ignore[misc,no-any-return]

    with tarfile.open(fileobj=_Stream(pieces), mode="r|", tarinfo=Member) as archive:  # type: ignore[call-overload]
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                found = ScannedFile(place.within(member.name), _read(file))
                yield bounded(found) if member.issparse() else found  # a hole of any size takes no room in the archive
            archive.members = []  # or it remembers each


def _zip_members(place: "ScanPlace", pieces: "Iterable[bytes]") -> "Iterator[ScannedFile]":
    import zipfile

    with os.fdopen(_spooled(pieces), "r+b") as file, zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise EnvFSError("a member is compressed in an unusual way")  # of which a few bytes fill the memory
                with archive.open(member) as stream:
                    yield ScannedFile(place.within(member.filename), _read(stream))


def _spooled(pieces: "Iterable[bytes]") -> int:
    handle, size = os.memfd_create("envfs-scan"), 0
    for piece in pieces:
        size += len(piece)
        if size > _MOST_SPOOLED:
            os.close(handle)
            raise EnvFSError("it is a zip of more than is unpacked")
        os.write(handle, piece)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _read(file: "IO[bytes]") -> "Iterator[bytes]":
    while piece := file.read(PIECE):
        yield piece
