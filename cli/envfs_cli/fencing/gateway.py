"""The gateway of a fence: an agent inside asks the daemon by it, and none but an agent's words pass.

    inside: envfs ── 127.0.0.1:P ══ a listener that was made inside ══ this thread, outside ── the control socket

A connection begins with the gateway's token and a line end. Then it is the control protocol, but for one frame:
`memory`, whose blob is what a descriptor would hold.

Laws: each message is read whole, by the table of `gateway_words`, and written again from what was read, in both ways. A
descriptor is made here. A request that may not pass is answered here, and the daemon hears nothing of it.
"""

import _socket
import hmac
import os
import select
import sys
import threading
import time

from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError, NotRunning, TooLarge, from_code
from envfs.protocol import control, framing, wire
from envfs.tuples import NamedTuple
from envfs_cli.daemon import client, connecting
from envfs_cli.fencing import gateway_words
from envfs_cli.fencing.bridge import Bridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_MOST_OPEN, _PIECE, _PAUSE = 32, 1 << 16, 0.05
_SILENCE = 10.0  # seconds that a connection may take for its token
_MEMORY = "memory"


class FenceGateway(NamedTuple):
    """The token of a gateway, and the level that it is for."""

    token: str
    level: str


class AgentGateway:
    """A thread that lets an agent's words pass, until this process ends."""

    def __init__(self, gateway: FenceGateway, listener: int, spare: "tuple[int, ...]") -> None:
        """Take over a listener, and `spare` ones for proxies that a person says yes to."""
        self._gateway = gateway
        self._listener = _socket.socket(fileno=listener)
        self._spare = list(spare)
        self._open = threading.BoundedSemaphore(_MOST_OPEN)

    def start(self) -> None:
        """Begin. The threads end with the process."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> "NoReturn":
        while True:
            self._open.acquire()
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - the bare socket's
            except OSError:  # the client has gone, or there are too many
                self._open.release()
                time.sleep(_PAUSE)
                continue
            threading.Thread(target=self._serve, args=(_socket.socket(fileno=descriptor),), daemon=True).start()

    def _serve(self, inner: "_socket.socket") -> None:
        try:
            connecting.be_patient(inner, int(_SILENCE))
            if _has_token(inner, self._gateway.token):
                _Passage(inner, self._gateway.level, self.spare_port).run()
        except OSError:
            return
        finally:
            inner.close()
            self._open.release()

    def spare_port(self, port: int) -> int:
        """Have a port inside lead to a port of a proxy. Return that of inside.

        Raises:
            TooLarge: each of them leads to one
        """
        try:
            listener = self._spare.pop()
        except IndexError:
            raise TooLarge("this fence has no port for another proxy", "end the agent, and run it again") from None
        inside = _socket.socket(fileno=os.dup(listener)).getsockname()[1]
        Bridge(listener, port).start()
        return int(inside)


def _has_token(inner: "_socket.socket", token: str) -> bool:
    line, until = bytearray(), time.monotonic() + _SILENCE
    while not line.endswith(b"\n") and len(line) <= len(token) and time.monotonic() < until:
        line += inner.recv(1) or b"\n\n"
    return hmac.compare_digest(bytes(line), f"{token}\n".encode())


class _Passage:
    """One connection of the agent's, and one to the daemon."""

    def __init__(self, inner: "_socket.socket", level: str, spare_port: "SparePort") -> None:
        self._inner, self._level, self._spare_port = inner, level, spare_port
        self._asked = framing.Decoder(gateway_words.TOKEN_BYTES)
        self._told = framing.Decoder(limits.VIEW_BYTES, limits.REPLY_BYTES)
        self._memory = b""
        self._has_token = self._awaits_token = False
        self._outer: _socket.socket | None = None

    def run(self) -> None:
        """Pass messages until one side leaves, or the agent says what is none."""
        try:
            while self._is_going_on():
                pass
        except EnvFSError as error:
            self._tell(_failure(error))
        finally:
            if self._outer is not None:
                self._outer.close()

    def _is_going_on(self) -> bool:
        ends = [self._inner] if self._outer is None else [self._inner, self._outer]
        ready, _, _ = select.select(ends, (), ())
        for end in ready:
            data = end.recv(_PIECE)
            if not data:
                return False
            self._pass_on(end, data)
        return True

    def _pass_on(self, end: "_socket.socket", data: bytes) -> None:
        decoder, act = (self._asked, self._ask) if end is self._inner else (self._told, self._answer)
        decoder.feed(data)
        while (frame := decoder.next()) is not None:
            act(*frame)

    # -- to the daemon -------------------------------------------------------------------------------------------------

    def _ask(self, body: "framing.Body", blobs: "tuple[bytes, ...]") -> None:
        if body == {"type": _MEMORY} and len(blobs) == 1:
            self._memory = blobs[0]
            return
        if blobs or self._awaits_token:  # until it counts, a request would have the rights of this process
            raise BadRequest("this request comes with blobs, or too soon")
        try:
            request = gateway_words.request_of(body, self._level, has_token=self._has_token)
        except EnvFSError as error:
            self._tell(_failure(error))
            return
        self._send(request)

    def _send(self, request: object) -> None:
        rights = []
        memory = -1
        if isinstance(request, control.UseToken):
            self._awaits_token = True
            memory = os.memfd_create("envfs-token", os.MFD_CLOEXEC)
            os.write(memory, self._memory)
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, memory.to_bytes(4, sys.byteorder))]
        outer, data = self._daemon(), framing.encode_frame(wire.to_body(request))  # type: ignore[arg-type]
        sent = outer.sendmsg([data], rights)
        outer.sendall(data[sent:])
        if memory >= 0:
            os.close(memory)

    def _daemon(self) -> "_socket.socket":
        if self._outer is None:
            link = client.running_daemon()
            if link is None:
                raise NotRunning("the daemon has ended")
            self._outer = _socket.socket(fileno=os.dup(link.fileno()))
            link.close()
        return self._outer

    # -- to the agent --------------------------------------------------------------------------------------------------

    def _answer(self, body: "framing.Body", blobs: "tuple[bytes, ...]") -> None:
        reply = gateway_words.reply_of(body, blobs)
        if self._awaits_token and isinstance(reply, control.Failed):
            raise from_code(*reply)  # and all ends
        if self._awaits_token and isinstance(reply, control.Done):
            self._awaits_token, self._has_token = False, True
        if isinstance(reply, control.ProxyOpened):
            reply = reply._replace(port=self._spare_port(reply.port))
        self._tell(reply, blobs)

    def _tell(self, message: object, blobs: "tuple[bytes, ...]" = ()) -> None:
        frame = framing.encode_frame(wire.to_body(message), blobs, limits.REPLY_BYTES)  # type: ignore[arg-type]
        self._inner.sendall(frame + b"".join(blobs))


def _failure(error: EnvFSError) -> control.Failed:
    return control.Failed(error.code, error.text, error.hint, error.about)


if TYPE_CHECKING:
    from collections.abc import Callable

    SparePort = Callable[[int], int]
