"""A plain folder as an engine: on NFS, in Syncthing, on a USB stick, or of a server that others reach over ssh.

Laws: the folder may hold anything, and what is no key of a shared vault is passed over. Nothing is followed: a link, a
FIFO or a device in the place of a record is a fault. A file system that does not answer is StoreUnavailable in bounded
time. A writer of the folder may remove files too, so it enforces nothing against its writers.
"""

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar, TypeVarTuple, Unpack

import trio

from envfs import safe_open
from envfs.core import addresses, limits, names, record, shared_keys
from envfs.courier.address import Address
from envfs.courier.engines.folder_watch import FolderWatches, watch_folder
from envfs.errors import StoreUnavailable
from envfs.host import keyed_files

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_SECONDS = 30.0
_THREADS = 8
_TRIES = 4


async def connect(address: Address) -> "FolderEngine":
    """Use a folder that is there.

    Raises:
        StoreUnavailable: it is not, or cannot be listed
    """
    engine = FolderEngine(address.path)
    await engine.check()
    return engine


class FolderEngine:
    """The engine of one folder. Its waits are in threads, as a disk's may be long."""

    def __init__(self, root: str) -> None:
        """Use the folder `root`."""
        self._root = root
        self._threads = trio.CapacityLimiter(_THREADS)
        self._watches: set[FolderWatches] = set()
        self._is_closed = False

    async def check(self) -> None:
        """Look at the folder.

        Raises:
            StoreUnavailable: it is not there, or cannot be listed
        """
        await self._run(_check_folder, self._root)

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        return shared_keys.newest_numbers(await self._keys(*prefixes))

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        return await self._keys(prefix)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there."""
        for key in keys:
            shared_keys.check_shared_key(key)
        return await self._run(_read_files, self._root, tuple(keys))

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key. They are on the disk when this returns True."""
        shared_keys.check_shared_record(key, data)
        return await self._run(_store_file, self._root, key, data)

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none, and overwrite them."""
        shared_keys.check_shared_key(key)
        await self._run(keyed_files.forget_files, [f"{self._root}/{key}"])

    async def watch(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield streams that may have grown: by inotify, and by a look at each folder from time to time."""
        shared_keys.check_prefixes(prefixes)
        watches = FolderWatches(self._root, prefixes)
        self._watches.add(watches)
        try:
            async with aclosing(watch_folder(watches, self._run)) as streams:
                async for stream in streams:
                    if not stream or shared_keys.is_within(stream, prefixes):
                        yield stream
        finally:
            watches.close()
            self._watches.discard(watches)

    @property
    def late(self) -> str:
        """Return why hints come late. Empty while they do not."""
        return next((watches.late for watches in self._watches if watches.late), "")

    async def close(self) -> None:
        """Let go of the folder."""
        self._is_closed = True
        for watches in tuple(self._watches):
            watches.close()

    async def _keys(self, *prefixes: str) -> Sequence[str]:
        shared_keys.check_prefixes(prefixes)
        return await self._run(_list_keys, self._root, prefixes)

    async def _run(self, work: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        if self._is_closed:
            raise StoreUnavailable("the engine is closed")
        try:
            with trio.fail_after(_SECONDS):
                return await trio.to_thread.run_sync(work, *args, abandon_on_cancel=True, limiter=self._threads)
        except trio.TooSlowError:
            raise StoreUnavailable(f"the file system of {self._root} does not answer") from None
        except OSError as error:
            words = safe_open.error_words(error)
            raise StoreUnavailable(f"the folder {self._root} cannot be used: {words}") from None


def _check_folder(root: str) -> None:
    with os.scandir(root) as entries:
        next(entries, None)


def _list_keys(root: str, prefixes: tuple[str, ...]) -> list[str]:
    _check_folder(root)  # a folder that is gone, as on a stick that was pulled out, is not an empty one
    keys: list[str] = []
    for prefix in prefixes:
        folder, _, start = prefix.rpartition("/")
        keys += filter(shared_keys.is_shared_key, keyed_files.list_files(root, folder, start))
    return keys


def _read_files(root: str, keys: tuple[str, ...]) -> dict[str, bytes]:
    _check_folder(root)
    records = {}
    for key in keys:
        try:
            records[key] = safe_open.read_file(f"{root}/{key}", limits.RECORD_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StoreUnavailable(f"{key} in {root} cannot be read: {safe_open.error_words(error)}") from None
    return records


def _store_file(root: str, key: str, data: bytes) -> bool:
    _check_folder(root)
    stream, number = shared_keys.stream_of(key), record.key_number(key)
    if number == 1 and record.is_level_stream(stream):  # a folder that others fill is a vault's as well
        _store_file(root, addresses.index_key(stream.removeprefix("level") or names.ROOT), b"")
    path = f"{root}/{key}"
    for left in reversed(range(_TRIES)):
        try:
            keyed_files.make_folders(root, os.path.dirname(path))
            return keyed_files.store_new_file(path, data)
        except FileNotFoundError:
            if not left:
                raise
    return False
