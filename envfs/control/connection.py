"""One client's connection: frames in, replies out, descriptors taken and always closed.

Laws: a client is bounded in frame size, in descriptors, and in how long it may take over one frame. Nothing that it
sends can end more than its own connection. Each step of it, taking or answering or sending on, waits for its turn.
"""

import contextlib
import math
import os
import select
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import trio

from envfs import __version__
from envfs.control import dispatch
from envfs.control.call import Call
from envfs.control.handed_over import Arrival, Arrivals, received_descriptors
from envfs.core import limits
from envfs.core.access.caller import Caller
from envfs.errors import BadRequest, EnvFSError
from envfs.gate.approvals.asking import by_socket
from envfs.gate.fair_queue import Asker
from envfs.gate.turns import asker
from envfs.host import clocks
from envfs.host.callers.peers import Peer
from envfs.protocol import control, framing, wire
from envfs.service.access import rights
from envfs.service.service import Service

_DESCRIPTORS = 4
_FRAME_SECONDS = 10.0
_SEND_SECONDS = 30.0
_PIECE_BYTES = 1 << 16
_TOKEN_BYTES = 256
_IN_MEMORY = "a secret must be in memory (memfd_create)"
_arrivals = Arrivals()
_WORKING = framing.encode_frame(wire.to_body(control.WorkingRow()))


class Connection:
    """A connected client, known as `caller`."""

    def __init__(self, stream: trio.socket.SocketType, caller: Caller, service: Service) -> None:
        """Serve `caller` on `stream`, which is taken over, from `service`."""
        self._socket = socket.socket(fileno=stream.detach())
        self._caller = caller
        self._service = service
        self.asker = Asker(caller.uid, caller.pid)
        self._peer = Peer(self._socket.getsockopt, clocks.boot_seconds())
        self._decoder = framing.Decoder()
        self._descriptors: list[int] = []
        self._handed_over = 0
        self._works = self._sends = self._is_served = self._has_turn = False
        self._moved = trio.current_time()
        self._scope = trio.CancelScope()

    @property
    def uid(self) -> int:
        """Whose connection it is."""
        return self._caller.uid

    def silent_for(self) -> float:
        """Return for how many seconds the client has sent nothing and taken nothing, while it was its turn."""
        return 0.0 if self._works and not self._sends else trio.current_time() - self._moved

    @property
    def is_leaving(self) -> bool:
        """Tell whether the connection is being ended."""
        return math.isinf(self._moved)

    @property
    def may_leave(self) -> bool:
        """Tell whether nothing is left half done if the connection is ended now."""
        return not self._is_served and not self.is_leaving

    def dismiss(self) -> None:
        """End the connection: there is no room for it."""
        self._moved = math.inf
        if not self._is_served:
            self._scope.cancel()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    async def serve(self) -> None:
        """Answer requests until the client leaves or breaks the protocol."""
        asker.set(self.asker)
        by_socket.set(True)
        try:
            with self._scope, contextlib.suppress(OSError, trio.TooSlowError):  # it has gone, or takes nothing more
                error = await self._converse()
                if error is not None:
                    await self._refuse(error)
        finally:
            _close(self._descriptors)
            self._socket.close()

    async def _converse(self) -> EnvFSError | None:
        # the error that ends a conversation is returned: what is sent about it must not be sent while it is handled
        try:
            while (body := await self._next()) is not None:
                await self._answer(wire.from_body(body, control.REQUESTS))
        except EnvFSError as error:
            return error
        return None

    async def _refuse(self, error: EnvFSError) -> None:
        with trio.move_on_after(1):
            await self._send(control.Failed(error.code, error.text, error.hint, error.about))

    def reassure(self) -> None:
        """Tell a client whose request is worked on that it still is. Without waiting, and not within a reply."""
        if self._works and not self._sends:
            with contextlib.suppress(OSError):  # full: it has something to read
                os.write(self._socket.fileno(), _WORKING)

    async def _answer(self, request: object) -> None:
        if isinstance(request, control.Hello):
            if request.protocol != control.VERSION:
                raise BadRequest(
                    f"the daemon speaks protocol {control.VERSION}, not {request.protocol}",
                    "restart the daemon after an upgrade: `envfs unmount && envfs mount`",
                )
            await self._send(control.Hello(control.VERSION, __version__))
            return
        if isinstance(request, control.UseToken):
            await self._use_token()
            return
        descriptors, self._descriptors = tuple(self._descriptors), []
        handed_over, self._handed_over = self._handed_over, 0
        self._works = True
        try:
            _check_descriptors(request, descriptors, handed_over)
            if not self._caller.is_user(self._service.owner):
                _check_memory(descriptors)
            async with self._service.budgets.spend(self.asker, request):
                await self._carry_out(request, descriptors)
        finally:
            self._works = False
            _close(descriptors)

    async def _use_token(self) -> None:
        descriptors, self._descriptors, self._handed_over = tuple(self._descriptors), [], 0
        try:
            self._caller = rights.bearer(self._service, self._caller, _token(descriptors))
            await self._send(control.Done())
        except EnvFSError as error:
            await self._send(control.Failed(error.code, error.text, error.hint, error.about))
        finally:
            _close(descriptors)

    async def _carry_out(self, request: object, descriptors: tuple[int, ...]) -> None:
        call = Call(
            self._service,
            self._caller,
            descriptors,
            self._send,
            self._send_rows,
            self._left,
            self._peer,
            self._wants_no_more,
        )
        self._is_served = True
        try:
            sent = await dispatch.dispatch_request(call, request)
        finally:
            self._works = self._is_served = False
        try:
            await self._send(sent.reply, sent.blobs, sent.check)
        finally:
            for blob in sent.blobs:
                if isinstance(blob, memoryview):
                    blob.release()
            if sent.then is not None:
                sent.then()

    async def _next(self) -> framing.Body | None:
        # a client may think for as long as it likes between requests, but not within one
        deadline = trio.CancelScope()
        with deadline:
            if self._decoder.pending:
                await self._my_turn()  # one request a turn, however many have come already
            while (decoded := self._decoder.next()) is None:
                if self._decoder.pending and math.isinf(deadline.deadline):
                    deadline.deadline = trio.current_time() + _FRAME_SECONDS
                data = await self._receive()
                if not data:
                    return None
                self._decoder.feed(data)
            return decoded[0]
        raise BadRequest("the request did not arrive in time")

    async def _my_turn(self) -> None:
        await self._service.pace.wait_turn(self.asker)
        self._has_turn = True  # for one piece of an answer as well

    async def _receive(self) -> bytes:
        await trio.lowlevel.wait_readable(self._socket)
        await self._my_turn()
        arrival = await self._arrival()
        self._stir()
        self._take(arrival)
        if arrival.is_cut or self._handed_over > _DESCRIPTORS:
            raise BadRequest("too many descriptors")
        if len(arrival.descriptors) < arrival.number:
            raise BadRequest(_IN_MEMORY)
        return arrival.data

    async def _arrival(self) -> Arrival:
        if self._caller.is_user(self._service.owner):
            data, descriptors, is_cut = received_descriptors(self._socket, _DESCRIPTORS)
            return Arrival(data, descriptors, len(descriptors), is_cut)
        return await _arrivals.receive(self._socket, self._caller.uid, _DESCRIPTORS)

    def _take(self, arrival: Arrival) -> None:
        # what may have some is for a few alone: those of others are not held while their request is on its way, but for
        # one that may be a token
        descriptors = arrival.descriptors
        self._handed_over += arrival.number
        if rights.may_hand_over(self._service, self._caller):
            self._descriptors += descriptors
        else:
            _close(self._descriptors)
            self._descriptors = list(descriptors[:1])
            _close(descriptors[1:])

    async def _send(
        self,
        message: NamedTuple,
        blobs: tuple[bytes | memoryview, ...] = (),
        check: Callable[[], None] | None = None,
    ) -> None:
        frame = framing.encode_frame(wire.to_body(message), blobs, limits.REPLY_BYTES)
        with trio.fail_after(_SEND_SECONDS), self._sending():
            for part in (frame, *blobs):
                if check is not None:
                    _or_break_off(check)
                await self._send_part(part)

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        self._stir()
        self._sends = True
        try:
            yield
        finally:
            self._sends = False

    async def _send_rows(self, rows: Iterable[NamedTuple]) -> None:
        # many frames go out in few pieces
        piece = bytearray()
        for row in rows:
            piece += framing.encode_frame(wire.to_body(row), (), limits.REPLY_BYTES)
            if len(piece) >= _PIECE_BYTES:
                await self._send_piece(piece)
                piece.clear()
        await self._send_piece(piece)

    async def _send_piece(self, piece: bytearray) -> None:
        with trio.fail_after(_SEND_SECONDS), self._sending():
            await self._send_part(piece)

    async def _send_part(self, part: bytes | bytearray | memoryview) -> None:
        at = 0
        while at < len(part):
            if not self._has_turn:
                await self._my_turn()
            self._has_turn = False
            try:
                with memoryview(part)[at:] as unsent:
                    at += self._socket.send(unsent)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
            else:
                self._stir()

    def _stir(self) -> None:
        self._moved = max(self._moved, trio.current_time())

    def _left(self) -> bool:
        return self._polled(select.POLLRDHUP)

    def _wants_no_more(self) -> bool:
        return bool(self._decoder.pending) or self._polled(select.POLLRDHUP | select.POLLIN)

    def _polled(self, events: int) -> bool:
        poll = select.poll()
        poll.register(self._socket.fileno(), events)
        return bool(poll.poll(0))


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # a file system may fail only now. The descriptor is closed all the same
            os.close(descriptor)


def _or_break_off(check: Callable[[], None]) -> None:
    # in the middle of a reply there is no place for an error: the client must not take what it has for the whole
    try:
        check()
    except EnvFSError:
        raise ConnectionAbortedError from None


def _check_descriptors(request: object, descriptors: tuple[int, ...], handed_over: int) -> None:
    if handed_over > control.DESCRIPTORS.get(type(request), 0):
        raise BadRequest("descriptors came with a request that takes none")
    for descriptor in descriptors:
        # only memory or a file: its size is known and reading it never waits
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadRequest("a secret must be in a file or in memory, not in a pipe or a socket")


def _token(descriptors: tuple[int, ...]) -> bytes:
    _check_memory(descriptors)
    if len(descriptors) != 1 or os.fstat(descriptors[0]).st_size > _TOKEN_BYTES:
        raise BadRequest("a token comes alone, in memory")
    return os.pread(descriptors[0], _TOKEN_BYTES, 0)


def _check_memory(descriptors: tuple[int, ...]) -> None:
    # a file of another user's may be on a file system of its own, which would keep the keyholder waiting
    own = os.memfd_create("envfs", os.MFD_CLOEXEC)
    try:
        if any(os.fstat(descriptor).st_dev != os.fstat(own).st_dev for descriptor in descriptors):
            raise BadRequest(_IN_MEMORY)
    finally:
        os.close(own)
