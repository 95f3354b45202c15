"""A stand-in for the Docker engine: says yes to everything, and keeps what containers are asked for."""

import contextlib
import http.server
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from typing import Any


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Handler)
        self.asked: list[dict[str, Any]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return ""

    def reply(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.43")
        self.send_header("Ostype", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def do_GET(self) -> None:
        self.reply(200, {})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or self.chunks()
        if "/containers/create" not in self.path:
            return self.reply(200, {})
        self.server.asked.append(json.loads(body))
        return self.reply(201, {"Id": "made", "Warnings": []})

    def chunks(self) -> bytes:
        body = b""
        while "chunked" in self.headers.get("Transfer-Encoding", ""):
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        return body


@contextlib.contextmanager
def listening(path: str) -> Iterator[list[dict[str, Any]]]:
    """Listen at a path, which may be too long for a socket's address, and give what was asked for."""
    here = os.open(os.path.dirname(path) or ".", os.O_PATH)
    server = Server(f"/proc/self/fd/{here}/{os.path.basename(path)}")
    os.close(here)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.asked
    finally:
        server.shutdown()
        server.server_close()
