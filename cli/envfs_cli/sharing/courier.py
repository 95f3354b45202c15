"""A courier for one command: a process that serves an engine, asked one thing after another.

Laws: what it says is checked, as the daemon does. Each wait has an end. The address stands in no argument.
"""

import os
import socket
import subprocess

from envfs import interpreter
from envfs.core import limits, shared_keys
from envfs.errors import BadRequest, StoreUnavailable
from envfs.protocol import courier_requests as words
from envfs.protocol import framing, wire
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self, TypeVar

    A = TypeVar("A", bound=NamedTuple)

_SECONDS = 120.0  # an engine that says nothing for so long has failed
_HANDED_ON = ("HOME", "LANG", "SSH_AUTH_SOCK")


class EngineCourier:
    """A courier and its engine, for a block."""

    def __init__(self, address: str) -> None:
        """Start a courier for an address.

        Raises:
            StoreUnavailable: it cannot be started
        """
        self.address = address
        self._number = 0
        ours, theirs = socket.socketpair()
        ours.settimeout(_SECONDS)
        environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        command = interpreter.start_command("envfs.courier.__main__", str(theirs.fileno()))
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/", env=environment
            )
        self._socket = ours

    def __enter__(self) -> "Self":
        """Return this courier."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def begin(self) -> "Self":
        """Let it serve its engine.

        Raises:
            EnvFSError: it refuses the address
        """
        self._ask(words.BeginCourier(self.address), words.CourierBegun)
        return self

    def prepare(self, members: "Sequence[str]") -> str:
        """Let it make its engine ready for a vault. Return what the administrator has to know.

        Raises:
            EnvFSError: the engine is not made ready
        """
        [(message, _)] = self._ask(words.PrepareStore(self.address, tuple(members)), words.StorePrepared)
        return message.text

    def list_keys(self, prefix: str = "") -> "list[str]":
        """Return the keys that start so, in order."""
        answers = self._ask(words.ListStoreKeys(self._next(), prefix), words.StoreKeysListed)
        keys = {key for answer, _ in answers for key in answer.keys}
        if not all(map(shared_keys.is_shared_key, keys)):
            raise _nonsense()
        return sorted(keys)

    def get(self, keys: "Sequence[str]") -> "dict[str, bytes]":
        """Return the bytes of those keys that are there."""
        records: dict[str, bytes] = {}
        for part in words.split_texts(keys):
            for answer, blobs in self._ask(words.GetRecords(self._next(), part), words.RecordsSent):
                if not set(part).issuperset(answer.keys) or len(answer.keys) != len(blobs):
                    raise _nonsense()
                records.update(zip(answer.keys, blobs, strict=True))
        return records

    def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is."""
        [(answer, _)] = self._ask(words.PutRecord(self._next(), key), words.RecordPut, data)
        return answer.is_new

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _ask(self, message: NamedTuple, kind: "type[A]", *records: bytes) -> "list[tuple[A, tuple[bytes, ...]]]":
        try:
            self._socket.sendall(words.encode_message(message, *records))
            return list(self._answers(kind))
        except TimeoutError:
            raise StoreUnavailable("the engine does not answer") from None
        except OSError:
            raise StoreUnavailable("the courier has ended", "try again") from None

    def _answers(self, kind: "type[A]") -> "Iterator[tuple[A, tuple[bytes, ...]]]":
        more = True
        while more:
            message, records = self._message()
            if isinstance(message, words.RequestFailed):
                raise words.error_of(message)
            if not isinstance(message, kind) or any(len(data) > limits.RECORD_BYTES for data in records):
                raise _nonsense()
            yield message, records
            more = getattr(message, "more", False)

    def _message(self) -> "tuple[object, tuple[bytes, ...]]":
        try:
            body, records = framing.read_frame(self._receive, words.BLOB_BYTES)
            return wire.from_body(body, words.ANSWERS), tuple(records)
        except BadRequest:  # what the courier itself refuses is another thing, and says so
            raise _nonsense() from None

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise BrokenPipeError
            data += piece
        return bytes(data)


def _nonsense() -> StoreUnavailable:
    return StoreUnavailable("the engine answers nonsense")
