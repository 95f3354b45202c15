"""The daemon's end of the keyholder: a process started, asked, and noticed when it ends."""

import array
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trio

from envfs.core import limits
from envfs.errors import KeyholderGone, from_code
from envfs.gate.views import Answer
from envfs.protocol import framing, keyholding, wire

_SECONDS = 60.0
_AT_ONCE = 4
_GONE_HINT = "another one is started at once; unlock it with `envfs unlock`"


class KeyholderLink:
    """Starts a keyholder and asks it, one conversation a request."""

    def __init__(self) -> None:
        """Start a keyholder; it ends when this process does."""
        self._turns = trio.CapacityLimiter(_AT_ONCE)
        self._socket: socket.socket | None = None
        self.start()

    def start(self) -> None:
        """Start a keyholder in the place of one that ended; it holds nothing yet."""
        if self._socket is not None:
            self._socket.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", "-m", "envfs.keyholder", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/")
        self._socket = ours

    @property
    def pid(self) -> int:
        """The process id of the keyholder."""
        return self._process.pid

    async def ask(
        self, request: NamedTuple, blobs: tuple[bytes, ...] = (), descriptors: tuple[int, ...] = ()
    ) -> Answer:
        """Send one request and wait for its answer.

        Raises:
            EnvFSError: what the keyholder refuses with
            KeyholderGone: it ended, or did not answer in time
        """
        async with self._turns:
            try:
                with trio.fail_after(_SECONDS), _sealer(request) as sealer:
                    answer = await self._converse(request, blobs, (*descriptors, *sealer))
            except (OSError, trio.TooSlowError):
                raise KeyholderGone("the keyholder does not answer", _GONE_HINT) from None
        if isinstance(answer.message, keyholding.Refused):
            raise from_code(*answer.message)
        return answer

    async def wait_ended(self) -> None:
        """Wait until the keyholder ends."""
        handle = os.pidfd_open(self._process.pid)
        try:
            await trio.lowlevel.wait_readable(handle)
        finally:
            os.close(handle)
        self._process.wait()

    def close(self) -> None:
        """End the keyholder."""
        if self._socket is not None:
            self._socket.close()
        self._process.kill()
        self._process.wait()

    async def _converse(self, request: NamedTuple, blobs: tuple[bytes, ...], descriptors: tuple[int, ...]) -> Answer:
        if self._socket is None:
            raise KeyholderGone("there is no keyholder", _GONE_HINT)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with trio.socket.from_stdlib_socket(ours) as stream:
            with theirs:
                rights = array.array("i", [theirs.fileno()])
                self._socket.sendmsg([b"?"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            await _send(stream, request, blobs, descriptors)
            return await _receive(stream)


@contextmanager
def _sealer(request: NamedTuple) -> Iterator[tuple[int, ...]]:
    # the keyholder may start no program, so what runs plugins of age stands beside it for the one request
    if not isinstance(request, keyholding.SealKeys) or not request.plugins:
        yield ()
        return
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [sys.executable, "-I", "-m", "envfs.keyholder.plugins", str(theirs.fileno())]
            process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/")
        try:
            yield (ours.fileno(),)
        finally:
            process.kill()
            process.wait()


async def _send(
    stream: trio.socket.SocketType, request: NamedTuple, blobs: tuple[bytes, ...], descriptors: tuple[int, ...]
) -> None:
    frame = framing.encode(wire.to_body(request), blobs, limits.REPLY_BYTES)
    rights = array.array("i", descriptors)
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    sent = await stream.sendmsg([frame], ancillary)
    for part in (frame[sent:], *blobs):
        rest = memoryview(part)
        while rest:
            rest = rest[await stream.send(rest) :]


async def _receive(stream: trio.socket.SocketType) -> Answer:
    decoder = framing.Decoder(limits.BLOB_BYTES, limits.REPLY_BYTES)
    descriptors: list[int] = []
    found = None
    while found is None:
        data, ancillary, _, _ = await stream.recvmsg(1 << 18, socket.CMSG_SPACE(4))
        for _, _, passed in ancillary:
            descriptors += array.array("i", passed)
        if not data:
            for descriptor in descriptors:
                os.close(descriptor)
            raise KeyholderGone("the keyholder broke off", _GONE_HINT)
        decoder.feed(data)
        found = decoder.next()
    body, blobs = found
    return Answer(wire.from_body(body, keyholding.REPLIES), blobs, tuple(descriptors))
