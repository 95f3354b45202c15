"""The verbs of an engine, by SFTP on a server where nothing can be installed.

Laws: the folder may hold anything, and what is no key of a shared vault is passed over. A question that is not answered
for a while ends the session. Others who may write there can remove too, unless the server refuses such requests.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from envfs.core import addresses, limits, names, record, shared_keys
from envfs.courier.address import Address
from envfs.courier.engines.sftp import files, listing
from envfs.courier.engines.sftp.listing import Times
from envfs.courier.engines.sftp.packets import Code, Kind, text
from envfs.courier.engines.sftp.session import RequestRefused, SftpSession, all_of
from envfs.courier.engines.sftp.starting import greeted
from envfs.courier.engines.sftp.watching import LOOK_SECONDS, SftpWatch
from envfs.courier.engines.ssh.command import remote_path, ssh_command
from envfs.courier.engines.ssh.connection import SshConnection
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable

T = TypeVar("T")
P = ParamSpec("P")
_SPACE = "statvfs@openssh.com"
_ROOM = limits.RECORD_BYTES  # a disk with less was full for the record that did not go on it


class SftpEngine:
    """The engine of one folder on a server. It has one connection at a time."""

    def __init__(self, address: Address) -> None:
        """Use the server of an address."""
        self._host = address.host
        self._root = remote_path(address)
        self._connection = SshConnection(address, ssh_command(address, "-s", "sftp"), partial(greeted, address))
        self._watches: set[SftpWatch] = set()

    async def check(self) -> None:
        """Connect, and look whether the folder is there.

        Raises:
            StoreUnavailable, NotApproved: it cannot be used
        """
        await self.in_session(listing.check_root, self._root)

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        newest: dict[str, int] = {}
        for prefix in prefixes:
            newest |= shared_keys.newest_numbers(await self.list(prefix))
        return newest

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        shared_keys.check_prefix(prefix)
        return await self.in_session(listing.keys_below, self._root, prefix)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there."""
        for key in keys:
            shared_keys.check_shared_key(key)
        return await self.in_session(self._read, keys)

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key. They are on the disk when this returns True, if the server can say that."""
        shared_keys.check_shared_record(key, data)
        return await self.in_session(self._put, key, data)

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none, if the server lets this member."""
        shared_keys.check_shared_key(key)
        await self.in_session(files.empty_file, self._path(key))

    async def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        """Yield streams that may have grown: by a look at the times of all folders every few seconds."""
        shared_keys.check_prefixes(prefixes)
        watch = SftpWatch(self._look)
        self._watches.add(watch)
        try:
            while (streams := await watch.next(prefixes)) is not None:
                for stream in streams:
                    yield stream
        finally:
            self._watches.discard(watch)
            watch.stop()

    @property
    def late(self) -> str:
        """Return why hints come late: nothing here reports a change."""
        faults = (watch.late for watch in self._watches if watch.late)
        return next(faults, f"this server is asked for changes every {LOOK_SECONDS:.0f} s, as sftp reports none")

    async def close(self) -> None:
        """End the connection."""
        for watch in tuple(self._watches):
            watch.stop()
        await self._connection.close()

    async def in_session(
        self, work: Callable[Concatenate[SftpSession, P], Awaitable[T]], *args: P.args, **options: P.kwargs
    ) -> T:
        """Do something on the server.

        Raises:
            StoreUnavailable: it cannot be done now
            NotApproved: this member may not
        """
        session = await self._connection.linked()
        try:
            return await work(session, *args, **options)
        except RequestRefused as error:
            raise await self._explained(session, error) from None

    async def _explained(self, session: SftpSession, error: RequestRefused) -> EnvFSError:
        if error.code == Code.PERMISSION_DENIED:
            return NotApproved(f"{self._host} does not let this user do that")
        if error.code == Code.NO_SUCH_FILE:
            return listing.not_there(self._root)
        words = f": {error.words}" if error.words else ""
        if await self._is_full(session):
            words = ": no space left on its disk"
        return StoreUnavailable(f"{self._host} cannot do it{words}")

    async def _is_full(self, session: SftpSession) -> bool:
        if _SPACE not in session.extensions:
            return False
        try:
            body = await session.extended(_SPACE, text(self._root), Kind.EXTENDED_REPLY)
        except RequestRefused:
            return False
        _, unit, _, _, free, *_ = [body.offset() for _ in range(11)]
        return unit * free < _ROOM

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    async def _read(self, session: SftpSession, keys: Sequence[str]) -> Mapping[str, bytes]:
        records: dict[str, bytes] = {}

        async def read(key: str) -> None:
            try:
                records[key] = await files.fetch_file(session, self._path(key))
            except RequestRefused as error:
                if error.code != Code.NO_SUCH_FILE:
                    raise

        await all_of(partial(read, key) for key in dict.fromkeys(keys))
        if len(records) < len(keys):
            await listing.check_root(session, self._root)
        return records

    async def _put(self, session: SftpSession, key: str, data: bytes) -> bool:
        stream = shared_keys.stream_of(key)
        if record.key_number(key) == 1 and record.is_level_stream(stream):  # a folder that others fill is a vault's too
            await self._store(session, addresses.index_key(stream.removeprefix("level") or names.ROOT), b"")
        return await self._store(session, key, data)

    async def _store(self, session: SftpSession, key: str, data: bytes) -> bool:
        try:
            return await files.send_new_file(session, self._path(key), data)
        except RequestRefused as error:
            if error.code != Code.NO_SUCH_FILE:
                raise
        await files.make_remote_folders(session, self._root, os.path.dirname(key).split("/"))
        return await files.send_new_file(session, self._path(key), data)

    async def _look(self, before: Times, again: frozenset[str]) -> Times:
        return await self.in_session(listing.folder_times, self._root, before, again)
