"""A host on this machine that answers by TLS: `python https_host.py CERTIFICATE` prints its port.

GET /?N is N bytes of lines, GET /events is chunks, each with the time at which it was sent, and POST takes what comes.
It does as little as it can, as it is in every measurement.
"""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from envfs.keyholder.crypto import certificates

HOST = "api.example.test"
EVENTS, EVENT_SECONDS = 50, 0.01
LINE, _LINES = b"x" * 99 + b"\n", 2000
ANSWER = b"{}"


class HttpsHost:
    """`with HttpsHost(folder) as host:` a process that serves `HOST` at `port`. `roots` is whom to trust."""

    program = __file__

    def __init__(self, folder: Path) -> None:
        """Make its certificate and start it."""
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(_certificates(folder / "host.pem"))
        words = [sys.executable, self.program, str(folder / "host.pem")]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.port = int((self._process.stdout or sys.stdin).readline())

    def __enter__(self) -> Self:
        """It serves."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def _certificates(path: Path) -> bytes:
    authority, key, now = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()), time.time()
    leaf = certificates.host_certificate(authority, "bench", key, HOST, int(now))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, plain)
    path.write_bytes(text + ssl.DER_cert_to_PEM_cert(leaf).encode())
    return ssl.DER_cert_to_PEM_cert(certificates.authority_certificate(authority, "bench", int(now))).encode()


def _send_events(stream: ssl.SSLSocket) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(EVENTS):
        text = b"data: %d\n\n" % time.monotonic_ns()
        stream.sendall(b"%x\r\n%b\r\n" % (len(text), text))
        time.sleep(EVENT_SECONDS)
    stream.sendall(b"0\r\n\r\n")


def _serve(stream: ssl.SSLSocket) -> None:
    block, data = LINE * _LINES, b""
    while True:
        while b"\r\n\r\n" not in data:
            if not (piece := stream.recv(1 << 16)):
                return
            data += piece
        head, _, data = data.partition(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) - len(data)
        while left > 0:
            left -= len(stream.recv(1 << 18))
            data = b""
        if head.split()[1] == b"/events":
            _send_events(stream)
            continue
        size = int(head.split()[1].partition(b"?")[2] or 0)
        begun = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (size or len(ANSWER))
        stream.sendall(begun + (b"" if size else ANSWER))
        while size > 0:
            stream.sendall(block[:size])
            size -= len(block)


def _main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
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
