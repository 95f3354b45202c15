"""A backup: vault, settings, rules and log as they were at one moment, in one tar file (docs/format.md §11).

Laws: the moment has no await in it, and what is written later is left out. Files that may change or go while the
backup is written are read, or opened, in that moment. Nothing is decrypted, and nothing is written but the one file.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import trio

from envfs import safe_open
from envfs.core import record
from envfs.errors import BadRequest, StoreUnavailable
from envfs.gate.audit_log.log_files import log_parts
from envfs.host import clocks
from envfs.service.service import Service
from envfs.vault.description import KEY
from envfs.vault.vault import Vault

if TYPE_CHECKING:
    from tarfile import TarFile

INDEX, FORMAT = "index.json", "envfs-backup-1"
_LARGEST, _CHUNK = 1 << 28, 1 << 20
_Readable = BinaryIO | io.BytesIO


class BackupFacts(NamedTuple):
    """How many files a backup has, and how many bytes they have."""

    files: int
    size: int


class _Moment(NamedTuple):
    vault: Vault
    time: str
    heads: dict[str, int]  # the newest record of each stream
    files: dict[str, bytes]  # what is small, or may be removed
    logs: tuple[tuple[str, BinaryIO, int], ...]  # each file of the log, and its size


async def write_backup(service: Service, handle: int) -> BackupFacts:
    """Write a backup into a new file. Changes of keys, and what forgets versions, wait for its end.

    Raises:
        BadRequest: the descriptor is of no empty file
        StoreUnavailable: something cannot be read, or the file cannot be written
    """
    if os.fstat(handle).st_size:
        raise BadRequest("a backup is written into an empty file")
    open_vault = service.open_vault
    async with open_vault.changing:
        with ExitStack() as opened:
            try:
                # a stream that is created until the moment is one that the daemon remembers then
                newest = await trio.to_thread.run_sync(open_vault.vault.newest_numbers)
                moment = _look(service, open_vault.vault, newest, opened)
                return await trio.to_thread.run_sync(_write, moment, handle)
            except OSError as error:
                raise StoreUnavailable(f"the backup cannot be made: {safe_open.error_words(error)}") from None


def _look(service: Service, vault: Vault, newest: dict[str, int], opened: ExitStack) -> _Moment:
    places = service.places
    files = {f"vault/{KEY}": vault.key_bytes(KEY)}
    files |= {f"vault/{key}": b"" for key in vault.index_keys()}
    checkpoints = [key for stream in vault.log_streams() for key in vault.keys_of(stream)]
    files |= {f"vault/{key}": vault.key_bytes(key) for key in checkpoints}
    single = {
        "settings/envfs.toml": places.settings,
        "settings/grants.toml": places.rules,
        "settings/identity.age": places.identity,
        "state/access.jsonl.end": places.log_end,
        "state/seen.jsonl": places.seen,
        "state/uses.jsonl": places.uses,
    }
    for name, path in single.items():
        with suppress(FileNotFoundError):
            files[name] = safe_open.read_file(path, _LARGEST)
    heads = newest | {stream: seen.seq for stream, seen in vault.memory.heads()}
    logs = tuple(_opened_log(part.path, opened) for part in log_parts(Path(places.log)) if part.path.exists())
    return _Moment(vault, clocks.wall_time(), heads, files, logs)


def _opened_log(path: Path, opened: ExitStack) -> tuple[str, BinaryIO, int]:
    file = opened.enter_context(os.fdopen(safe_open.open_file(path), "rb"))
    return f"state/{path.name}", file, os.fstat(file.fileno()).st_size


def _write(moment: _Moment, handle: int) -> BackupFacts:
    import tarfile  # noqa: PLC0415 - half a megabyte with what it loads, and nothing else needs it

    index: dict[str, dict[str, object]] = {}
    with (
        os.fdopen(os.dup(handle), "wb") as file,
        tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, data in sorted(moment.files.items()):
            index[name] = _add(tar, moment, name, io.BytesIO(data), len(data))
        for key, data in _records(moment):
            name = f"vault/{key}"
            index[name] = _add(tar, moment, name, io.BytesIO(data), len(data))
        for name, source, size in moment.logs:
            index[name] = _add(tar, moment, name, source, size)
        text = json.dumps({"format": FORMAT, "vault": moment.vault.description.id, "time": moment.time, "files": index})
        _add(tar, moment, INDEX, io.BytesIO(text.encode()), len(text.encode()))
    os.fsync(handle)
    return BackupFacts(len(index), sum(int(str(facts["size"])) for facts in index.values()))


def _records(moment: _Moment) -> Iterator[tuple[str, bytes]]:
    for stream, newest in sorted(moment.heads.items()):
        if record.is_log_stream(stream):
            continue
        for key in moment.vault.keys_of(stream):
            number = record.key_number(key)
            if number and number <= newest:
                yield key, moment.vault.key_bytes(key)


class _Hashing:
    """A file of which `size` bytes are read, and hashed on the way."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        data = self._source.read(min(self._left, _CHUNK if count < 0 else count))
        self._left -= len(data)
        self.digest.update(data)
        return data


def _add(tar: "TarFile", moment: _Moment, name: str, source: BinaryIO | io.BytesIO, size: int) -> dict[str, object]:
    member = tar.tarinfo(name)
    member.size, member.mode, member.mtime = size, 0o600, clocks.parse_nanoseconds(moment.time) // 10**9
    hashing = _Hashing(source, size)
    tar.addfile(member, hashing)
    return {"size": size, "sha256": hashing.digest.hexdigest()}
