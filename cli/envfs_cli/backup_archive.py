"""A backup's archive, read in order and with nothing taken on trust (docs/format.md §11).

Laws: no header makes the reader hold more than a few of them in memory, go back, or read more than the file has. A name
is one that a backup can have, and no name is a folder of another one.
"""

import hashlib
import json
import os
import re
import tarfile
from contextlib import contextmanager

from envfs import safe_open
from envfs.errors import EnvFSError, Malformed, UnsupportedFormat
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Self

INDEX, _FORMAT = "index.json", "envfs-backup-1"
_LARGEST_INDEX, _LARGEST_HEADER, _CHUNK = 1 << 28, 1 << 20, 1 << 20
_LONGEST = 3_500  # bytes of a name, which comes behind the vault's own path
_OTHERS = {
    *("settings/envfs.toml", "settings/grants.toml", "settings/identity.age"),
    *("state/access.jsonl", "state/access.jsonl.end", "state/seen.jsonl", "state/uses.jsonl"),
}
_SEGMENT = re.compile(r"state/access\.jsonl\.\d{8,18}-\d{8,18}(\.gz)?", re.ASCII)
_IN_VAULT = re.compile(r"vault(/(?![.]{1,2}(/|$))[A-Za-z0-9@._+=,-]{1,255})+", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class Index(NamedTuple):
    """The index of a backup: of which vault it is, of which time (UTC), and the hash of each file by its name."""

    vault: str
    time: str
    files: "dict[str, str]"


class File(NamedTuple):
    """A file of a backup, to be read before the next one."""

    name: str
    size: int
    source: "IO[bytes]"

    def pieces(self) -> "Iterator[bytes]":
        """Read it, piece by piece."""
        while piece := self.source.read(_CHUNK):
            yield piece


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: "bytes | bytearray", encoding: str, errors: str) -> "Self":
        """Read a header. A member of another kind is refused before its content is looked at."""
        header = super().frombuf(buf, encoding, errors)
        is_file = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        is_name = header.type == tarfile.XHDTYPE and header.size <= _LARGEST_HEADER
        if header.size < 0 or not (is_file or is_name):
            raise tarfile.ReadError("a kind of member that a backup has none of")
        return header


@contextmanager
def opened(path: str) -> "Iterator[Iterator[File]]":
    """Open a backup. Gives its files in their order.

    Raises:
        Malformed: it is none, or was changed
        OSError: it cannot be read
    """
    with os.fdopen(safe_open.open_file(path, follow=True), "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r|", tarinfo=_Header) as tar:
                yield _files(path, tar)
        except (tarfile.TarError, UnicodeError, ValueError):
            raise Malformed(f"{path} is no backup of EnvFS, or is not whole") from None


def _files(path: str, tar: tarfile.TarFile) -> "Iterator[File]":
    for member in tar:
        source = tar.extractfile(member)
        if source is None or member.issparse() or member.size < 0 or not _is_name(member.name):
            raise Malformed(f"{path} is no backup of EnvFS, or was changed")
        yield File(member.name, member.size, source)


def _is_name(name: str) -> bool:
    if name == INDEX or name in _OTHERS or _SEGMENT.fullmatch(name):
        return True
    return _IN_VAULT.fullmatch(name) is not None and len(name) < _LONGEST


def check_backup(path: str) -> Index:
    """Read a backup to its end.

    Raises:
        Malformed: it is none, or was changed
        UnsupportedFormat: it is of another release
        EnvFSError: it cannot be read
    """
    try:
        with opened(path) as files:
            digests, text = _digests(path, files)
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {safe_open.error_words(error)}") from None
    index = _parse_index(path, text)
    if index.files != digests:
        wrong = sorted(name for name in {*index.files, *digests} if index.files.get(name) != digests.get(name))
        raise Malformed(f"{path} was changed, or is not whole: {wrong[0]} is not what its index says")
    folders = {name[:place] for name in digests for place, letter in enumerate(name) if letter == "/"}
    if folders & digests.keys():
        raise Malformed(f"{path} was changed: a name in it is both a file and a folder")
    return index


def _digests(path: str, files: "Iterator[File]") -> "tuple[dict[str, str], bytes]":
    # the hash of each file but the index, and that one's text
    digests: dict[str, str] = {}
    text: list[bytes] = []
    for file in files:
        if file.name in digests or (file.name == INDEX and text):
            raise Malformed(f"{path} has {file.name} twice, so it was changed")
        if file.name == INDEX:
            if file.size > _LARGEST_INDEX:
                raise Malformed(f"the index of {path} is too large")
            text += file.pieces()
        else:
            digests[file.name] = digest_of(file)
    return digests, b"".join(text)


def digest_of(file: File) -> str:
    """Return the hash of a file, as the index has it."""
    digest = hashlib.sha256()
    for piece in file.pieces():
        digest.update(piece)
    return digest.hexdigest()


def _parse_index(path: str, text: bytes) -> Index:
    try:
        body = json.loads(text or b"null")
        if (
            isinstance(body, dict)
            and str(body.get("format", "")).startswith("envfs-backup-")
            and body["format"] != _FORMAT
        ):
            raise UnsupportedFormat(
                f"{path} is a backup of another release", "restore it with that one, or a newer one"
            )
        files = {str(name): str(facts["sha256"]) for name, facts in body["files"].items()}
        index = Index(str(body["vault"]), str(body["time"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(f"{path} has no index, so it is no backup of EnvFS or is not whole") from None
    if not (_TIME.fullmatch(index.time) and _ID.fullmatch(index.vault)):
        raise Malformed(f"the index of {path} has a time or an id that is none")
    return index
