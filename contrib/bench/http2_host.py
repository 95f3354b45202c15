"""A host on this machine that speaks HTTP/2 by TLS, and a client: each request has the same answer.

`python http2_host.py CERTIFICATE` prints its port. Both do as little as `h2` lets them.
"""

import contextlib
import socket
import ssl
import statistics
import sys
import threading
from pathlib import Path

import h2.config
import h2.connection
import h2.events
from https_host import ANSWER, HttpsHost
from rounds import timed

_REQUESTS = 200


class Http2Host(HttpsHost):
    """As its base, by HTTP/2."""

    program = __file__

    def __init__(self, folder: Path) -> None:
        """Make its certificate in a folder of its own and start it."""
        folder = folder / "http2"
        folder.mkdir()
        super().__init__(folder)


class Http2Client:
    """The client of one connection, which TLS has agreed on. `headers` come behind those of each request."""

    def __init__(self, stream: ssl.SSLSocket, authority: str, headers: dict[str, str]) -> None:
        """Begin to speak."""
        self._stream = stream
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", "/")]
        self._head += headers.items()
        self._http.initiate_connection()

    def latency(self) -> float:
        """Return the median time of a request."""
        return statistics.median(timed(self._ask) for _ in range(_REQUESTS))

    def _ask(self) -> None:
        number = self._http.get_next_available_stream_id()
        self._http.send_headers(number, self._head, end_stream=True)
        while True:
            self._stream.sendall(self._http.data_to_send())
            data = self._stream.recv(1 << 16)
            if not data:
                raise ConnectionError("the host, or the proxy, closed the connection")
            for event in self._http.receive_data(data):
                if isinstance(event, h2.events.StreamEnded) and event.stream_id == number:
                    return


def _serve(stream: ssl.SSLSocket) -> None:
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    http.initiate_connection()
    while True:
        stream.sendall(http.data_to_send())
        data = stream.recv(1 << 16)
        if not data:
            return
        for event in http.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                http.send_headers(event.stream_id or 0, [(":status", "200")])
                http.send_data(event.stream_id or 0, ANSWER, end_stream=True)


def _main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    while True:
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_one, args=(context, plain), daemon=True).start()


def _one(context: ssl.SSLContext, plain: socket.socket) -> None:
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as stream:
        _serve(stream)


if __name__ == "__main__":
    _main()
