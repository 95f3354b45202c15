"""One conversation: a request comes on its own socket, a forked child answers it and ends."""

import array
import contextlib
import socket

from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError, TooLarge
from envfs.host import room, surprises
from envfs.keyholder.confinement import Confinement
from envfs.keyholder.held.keyring import Keyring
from envfs.keyholder.requests.table import answer
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol import framing, keyholding, wire

_DESCRIPTORS = 4


def hold_conversation(keyring: Keyring, connection: socket.socket, confined: Confinement) -> None:
    """Read one request from `connection`, answer it, close it. Never raises."""
    try:
        reply = _carry_out(keyring, connection, confined)
        frame = _frame(reply)
    except Exception as error:  # noqa: BLE001 - a bug here must not leave the daemon waiting
        reply = _refusal(error)
        frame = _frame(reply)
    _send(connection, frame, reply)


def _refusal(error: Exception) -> WorkResult:
    if isinstance(error, MemoryError):
        error = room.too_little_memory("the request takes more memory than the keyholder can have")
    if isinstance(error, EnvFSError):
        return WorkResult(keyholding.Refused(error.code, error.text, error.hint, error.about))
    surprises.report_bug(error)
    return WorkResult(keyholding.Refused("failed", "the keyholder met a fault of its own", "see the daemon's log"))


def _carry_out(keyring: Keyring, connection: socket.socket, confined: Confinement) -> WorkResult:
    body, blobs, descriptors = _receive(connection)
    return answer(wire.from_body(body, keyholding.REQUESTS), Work(keyring, blobs, descriptors, confined))


def _receive(connection: socket.socket) -> tuple[framing.Body, tuple[bytes, ...], tuple[int, ...]]:
    descriptors = array.array("i")  # they come with the first byte

    def receive(size: int) -> bytes:
        room = 0 if descriptors else socket.CMSG_SPACE(_DESCRIPTORS * 4)
        data, ancillary, _, _ = connection.recvmsg(size, room, socket.MSG_WAITALL)
        for _, kind, passed in ancillary:
            if kind == socket.SCM_RIGHTS:
                descriptors.frombytes(passed[: len(passed) - len(passed) % 4])
        while len(data) < size:
            more = connection.recv(size - len(data), socket.MSG_WAITALL)
            if not more:
                raise BadRequest("the request ended early")
            data += more
        return data

    body, blobs = framing.read_frame(receive, limits.BLOB_BYTES, limits.REPLY_BYTES)
    return body, blobs, tuple(descriptors)


def _frame(reply: WorkResult) -> bytes:
    try:
        return framing.encode_frame(wire.to_body(reply.message), reply.blobs, limits.REPLY_BYTES)
    except BadRequest:
        raise TooLarge("the reply is too large", f"at most {limits.REPLY_BYTES} bytes a reply") from None


def _send(connection: socket.socket, frame: bytes, reply: WorkResult) -> None:
    rights = array.array("i", [reply.region.descriptor]) if reply.region else array.array("i")
    with contextlib.suppress(OSError):  # a daemon that has gone needs no answer
        sent = connection.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights else [])
        for part in (frame[sent:], *reply.blobs):
            if part:
                connection.sendall(part)
    connection.close()
