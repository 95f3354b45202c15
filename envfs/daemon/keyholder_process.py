"""The daemon's end of the keyholder: a process started, asked, and noticed when it ends.

Laws: whatever the keyholder sends, one request fails by KeyholderGone and nothing else happens; what comes that was not
asked for is closed. No request waits without an end. A keyholder that does not carry out a `forget` is ended, so that
what was to be locked is locked.
"""

import array
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import NamedTuple

import trio

from envfs.core import limits
from envfs.core.view_parts import Part
from envfs.daemon.keyholder_end import describe_end
from envfs.daemon.keyholder_start import StartedKeyholder, start_keyholder, start_part
from envfs.errors import BadRequest, KeyholderGone, TooLarge, from_code
from envfs.gate.keyholder import KeyholderAnswer, Message
from envfs.gate.turns import Turns
from envfs.protocol import framing, keyholding, wire

_SECONDS = 60.0
_MOMENT = 0.5  # from the end of its sockets to that of the process
_MOST_PARTS = 512  # of one sendmsg: the kernel takes 1,024
_SILENT_HINT = "`envfs status` shows its process; `envfs unmount && envfs mount` starts another"
_BLOBS = dict.fromkeys(
    (
        keyholding.Rewrapped,
        keyholding.Sealed,
        keyholding.Signed,
        keyholding.AuthorityMade,
        keyholding.ValuesSealed,
    ),
    1,
)


class KeyholderLink:
    """Starts a keyholder and asks it, one conversation a request. One that `is_replaced` is followed by another one."""

    def __init__(self, seconds: float = _SECONDS, started: StartedKeyholder | None = None) -> None:
        """Take the keyholder that was started, or start one. It answers within so many seconds."""
        self._turns = Turns()
        self._seconds = seconds
        self.is_replaced = False
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if started is None:
            self.start()
        else:
            self._process, self._socket = started

    def start(self) -> None:
        """Start a keyholder in the place of one that ended. It holds nothing yet."""
        self.close()
        self._process = None  # if it cannot be started there is none
        self._process, self._socket = start_keyholder()

    @property
    def pid(self) -> int:
        """The process id of the keyholder. 0 if there is none."""
        return self._process.pid if self._process is not None else 0

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn before anything is gathered for a request. The requests of the block use it."""
        return self._turns.take()

    async def ask(
        self,
        request: NamedTuple,
        expected: type[Message] | tuple[type[Message], ...],
        blobs: Sequence[bytes] = (),
        descriptors: Sequence[int] = (),
    ) -> KeyholderAnswer[Message]:
        """Send one request and wait for its answer.

        Raises:
            EnvFSError: the refusal of the keyholder
            KeyholderGone: it ended, did not answer in time, or sent no answer to this request
            TooLarge: the blobs are over their limit, which would end the keyholder
            TooMany: the user who asks has too many requests waiting
        """
        if sum(map(len, blobs)) > limits.BLOB_BYTES:
            raise TooLarge(
                "the records of one request are too large together", "`envfs verify` names those that are damaged"
            )
        async with self._turns.take():
            try:
                answer = await self._answer(request, tuple(blobs), tuple(descriptors))
            except KeyholderGone:
                if isinstance(request, keyholding.Forget):
                    self._end()
                raise
        if not isinstance(answer.message, expected):
            _close(answer.descriptors)
            raise TypeError(f"{type(request).__name__} is not answered with {type(answer.message).__name__}")
        return KeyholderAnswer(answer.message, answer.blobs, answer.descriptors)

    async def _answer(
        self, request: NamedTuple, blobs: tuple[bytes, ...], descriptors: tuple[int, ...]
    ) -> KeyholderAnswer[object]:
        try:
            with trio.fail_after(self._seconds), _sealer(request) as sealer:
                answer = await self._converse(request, blobs, (*descriptors, *sealer))
        except trio.TooSlowError:
            raise KeyholderGone("the keyholder did not answer in time", _SILENT_HINT) from None
        except (BrokenPipeError, ConnectionError, EOFError):
            with trio.move_on_after(_MOMENT):
                await self.wait_ended()
            raise describe_end(self._process, is_replaced=self.is_replaced) from None
        except OSError as error:
            raise KeyholderGone(
                f"the keyholder cannot be asked: {os.strerror(error.errno or 0).lower()}", _SILENT_HINT
            ) from None
        if isinstance(answer.message, keyholding.Refused):
            raise from_code(*answer.message)
        return answer

    async def wait_ended(self) -> None:
        """Wait until the keyholder ends."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        handle = os.pidfd_open(process.pid)  # it was not waited for, so the number is still its own
        try:
            await trio.lowlevel.wait_readable(handle)
        finally:
            os.close(handle)
        process.wait()

    def close(self) -> None:
        """End the keyholder."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._end()
        if self._process is not None:
            self._process.wait()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()

    async def _converse(
        self, request: NamedTuple, blobs: tuple[bytes, ...], descriptors: tuple[int, ...]
    ) -> KeyholderAnswer[object]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours:
            with theirs:
                unsent = _begin(ours, request, blobs, descriptors)  # so the child finds all of it, and sleeps no more
                await self._hand_over(theirs)
            await _send(ours, unsent)
            return await _receive(ours, request)

    async def _hand_over(self, theirs: socket.socket) -> None:
        # a keyholder that takes no conversations must not block the daemon: its queue fills
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
        while self._socket is not None:
            try:
                self._socket.sendmsg([b"?"], rights)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
            else:
                return
        raise EOFError


@contextmanager
def _sealer(request: NamedTuple) -> Iterator[tuple[int, ...]]:
    # the keyholder may start no program, so what runs plugins of age stands beside it for the one request
    if not isinstance(request, keyholding.SealKeys) or not request.plugins:
        yield ()
        return
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = start_part("envfs.keyholder.crypto.plugins", theirs.fileno(), dict(os.environ))
        try:
            yield (ours.fileno(),)
        finally:
            process.kill()
            process.wait()


def _begin(
    stream: socket.socket, request: NamedTuple, blobs: tuple[bytes, ...], descriptors: tuple[int, ...]
) -> list[memoryview]:
    # sends what the socket takes at once. Returns the rest
    frame = framing.encode_frame(wire.to_body(request), blobs, limits.REPLY_BYTES)
    rights = array.array("i", descriptors)
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    parts = [memoryview(part) for part in (frame, *blobs)]
    return _without(parts, stream.sendmsg(parts[:_MOST_PARTS], ancillary))


def _without(parts: list[memoryview], sent: int) -> list[memoryview]:
    while parts and sent >= len(parts[0]):
        sent -= len(parts[0])
        parts = parts[1:]
    return [parts[0][sent:], *parts[1:]] if parts else []


async def _send(stream: socket.socket, unsent: list[memoryview]) -> None:
    while unsent:
        await trio.lowlevel.wait_writable(stream)
        with contextlib.suppress(BlockingIOError):
            unsent = _without(unsent, stream.sendmsg(unsent[:_MOST_PARTS]))


async def _receive(stream: socket.socket, request: NamedTuple) -> KeyholderAnswer[object]:
    descriptors: list[int] = []
    try:
        body, blobs = await _next_frame(stream, descriptors)
        answer = KeyholderAnswer(wire.from_body(body, keyholding.REPLIES), blobs, tuple(descriptors))
        if not _fits(request, answer):
            raise BadRequest("another answer than the request takes")
    except BadRequest:
        _close(descriptors)
        raise KeyholderGone("the keyholder sent an invalid answer", _SILENT_HINT) from None
    except BaseException:
        _close(descriptors)
        raise
    return answer


async def _next_frame(stream: socket.socket, descriptors: list[int]) -> tuple[framing.Body, tuple[bytes, ...]]:
    decoder = framing.Decoder(limits.BLOB_BYTES, limits.REPLY_BYTES)
    while (frame := decoder.next()) is None:
        await trio.lowlevel.wait_readable(stream)
        data, ancillary, _, _ = stream.recvmsg(1 << 16, socket.CMSG_SPACE(4))
        for level, kind, passed in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors += array.array("i", passed[: len(passed) - len(passed) % 4])
        if not data:
            raise EOFError
        decoder.feed(data)
    return frame


def _fits(request: NamedTuple, answer: KeyholderAnswer[object]) -> bool:
    message = answer.message
    if isinstance(message, keyholding.Refused):
        return not answer.descriptors
    if not isinstance(message, keyholding.ANSWERS[type(request)]):
        return False
    if isinstance(message, keyholding.Rendered):
        return len(answer.descriptors) == 1 and _is_shape(message)
    if isinstance(message, keyholding.Bound | keyholding.LeafMade):
        return len(answer.descriptors) == 1 and 0 <= message.size <= limits.BLOB_BYTES
    if isinstance(message, keyholding.BatchesOpened):
        count = len(message.faults)
        return not answer.descriptors and len(answer.blobs) == count == len(getattr(request, "places", ()))
    needs_blob = isinstance(request, keyholding.CreateIdentity) and not request.plain
    return not answer.descriptors and len(answer.blobs) >= _BLOBS.get(type(message), int(needs_blob))


def _is_shape(view: keyholding.Rendered) -> bool:
    sizes = view.sizes
    fits = len(sizes) == len(Part) and min(sizes) >= 0 and view.variables >= 0
    return fits and sum(sizes) <= limits.BLOB_BYTES


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
