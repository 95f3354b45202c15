"""Forgotten records leave the engine, and the copies of the machines that hear of it.

Laws: only a record that a checked tombstone names, by the digest that it names, loses its bytes, and never the newest
of its stream. Each tombstone is looked at once. An engine that lets this member erase nothing is asked once more by
the next daemon, and what stays there is told. Nothing waits for it but the command that forgets, for a moment.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

import trio

from envfs.core import names, record, shared_keys
from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import EnvFSError, NotApproved
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.planning import is_shared
from envfs.service.sharing.vault_user import Taken
from envfs.store import BulkStore
from envfs.vault.vault import Vault

_PATIENCE = 3.0  # of a command
_AT_ONCE = 64
ForgetHere = Callable[[str, list[int]], Awaitable[None]]


class Erasing:
    """The erasing of one vault's forgotten records. It is joined once the vault is open."""

    def __init__(self, mirror: BulkStore, facts: SharingFacts) -> None:
        """Look for tombstones in `mirror`, and note in `facts` how far it is."""
        self._mirror = mirror
        self._facts = facts
        self._parts: tuple[Vault, Keyholder, ForgetHere] | None = None
        self._newest: dict[str, int] = {}  # by stream, the newest record that its tombstones name
        self._refused: dict[str, int] = {}  # by stream of tombstones, the last of those that the engine does not follow
        self._come = trio.Event()
        self._changed = trio.Event()

    def join(self, vault: Vault, keyholder: Keyholder, forget: ForgetHere) -> None:
        """Erase records of a vault that was opened. `forget` forgets versions of a level here."""
        self._parts = vault, keyholder, forget

    def look(self, hints: Collection[str], taken: Iterable[Taken]) -> None:
        """Look soon for tombstones that came, and for records that came behind theirs."""
        for one in taken:
            stream = record.level_stream(one.level)
            if one.seq < self._newest.get(stream, 0):
                self._facts.erased.pop(record.tombstone_stream(stream), None)
                self._come.set()
        if EVERYTHING in hints or any(map(record.forgotten_stream, hints)):
            self._come.set()

    async def run(self, engine: Engine, address: str) -> None:
        """Erase at an engine what has to go, as long as it is connected."""
        self._refused.clear()
        self._facts.begin_erasing(address)
        while True:
            await self._come.wait()
            self._come = trio.Event()
            with suppress(EnvFSError):  # the engine is away, or the vault locked. The next pass wakes it
                await self._tidy_all(engine)
            self._changed.set()
            self._changed = trio.Event()

    async def outcome(self, stream: str) -> str:
        """Wait a moment until the engine has lost what was forgotten of a stream. Say why not: empty if it has."""
        self._come.set()
        with trio.move_on_after(_PATIENCE):
            while stream not in self._facts.left and stream in {record.forgotten_stream(one) for one in self._open()}:
                await self._changed.wait()
            if stream not in self._facts.left:
                return ""
        if stream in self._facts.left:
            return left_words(self._facts.left[stream])
        return "they leave the engine once it can be reached"

    def _open(self) -> dict[str, int]:
        # the streams of tombstones that were not looked at, as far as they are here
        last = shared_keys.newest_numbers(self._mirror.list("tombstone/"))
        done = {**self._facts.erased, **self._refused}
        return {stream: seq for stream, seq in last.items() if is_shared(stream) and done.get(stream) != seq}

    async def _tidy_all(self, engine: Engine) -> None:
        for stream, last in (await trio.to_thread.run_sync(self._open)).items():
            await self._tidy(engine, stream, last)

    async def _tidy(self, engine: Engine, tombstones: str, last: int) -> None:
        if self._parts is None:
            return
        vault, keyholder, forget = self._parts
        stream = record.forgotten_stream(tombstones)
        named = await _named(vault, keyholder, stream)
        self._newest[stream] = max(named, default=0)
        if record.is_level_stream(stream):
            here = [seq for seq, digest in named.items() if _is(vault.read(stream, seq), digest)]
            if here:
                await forget(stream.removeprefix("level") or names.ROOT, here)
        left = await _erase(engine, {record.record_key(stream, seq): digest for seq, digest in named.items()})
        if left:
            self._refused[tombstones] = last
            self._facts.left[stream] = left
        else:
            self._facts.left.pop(stream, None)
            self._facts.note_erased(tombstones, last)


async def _named(vault: Vault, keyholder: Keyholder, stream: str) -> Mapping[int, str]:
    is_level = record.is_level_stream(stream)
    named = await checked_tombstones(vault, keyholder, stream) if is_level else vault.forgotten(stream)
    newest = vault.last(stream)
    return {seq: digest for seq, digest in sorted(named.items()) if digest and seq < newest}


async def _erase(engine: Engine, named: Mapping[str, str]) -> int:
    # returns how many the engine does not let go
    keys, left = [*named], 0
    for at in range(0, len(keys), _AT_ONCE):
        came = await engine.get(keys[at : at + _AT_ONCE])
        for key in [key for key, data in came.items() if _is(data, named[key])]:
            try:
                await engine.erase(key)
            except NotApproved:
                left += 1
    return left


def _is(data: bytes | None, digest: str) -> bool:
    return bool(data) and record.digest(data or b"") == digest


def left_words(number: int) -> str:
    """Say that an engine keeps so many forgotten records."""
    records = f"{number} forgotten record{'' if number == 1 else 's'}"
    return f"the engine lets this member erase nothing, and still has {records}, sealed"
