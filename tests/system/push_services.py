"""Services for the tools of `envfs push`: as much of the interfaces of Docker and Kubernetes as a secret takes."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

_SECRETS = {"name": "secrets", "namespaced": True, "kind": "Secret", "verbs": ["get", "patch", "create"]}
_GROUPS = {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
_VERSIONS = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
_RESOURCES = {"kind": "APIResourceList", "groupVersion": "v1", "resources": [_SECRETS]}
_KUBERNETES = {"/api": _VERSIONS, "/apis": _GROUPS, "/api/v1": _RESOURCES}


class Service(BaseHTTPRequestHandler):
    """Answers what both tools look up, and keeps what they send in `received`: path and body."""

    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = _KUBERNETES.get(path, {"ID": "1", "ApiVersion": "1.45"} if "v1" not in path else None)
        self._answer(200 if body is not None else 404, body or {"kind": "Status", "status": "Failure", "code": 404})

    def do_HEAD(self) -> None:
        self._answer(200, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).received.append((self.path, body))
        if b'"TAKEN"' in body:
            self._answer(409, {"message": f"it has {json.loads(body)['Data']} already"})
        else:
            self._answer(201, {"ID": "s1"})

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).received.append((self.path, body))
        self._answer(200, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": "default"}})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, text in (("Api-Version", "1.45"), ("Ostype", "linux"), ("Content-Type", "application/json")):
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "local"


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def serving(place: Path | None = None) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Serve at a socket, or at a port of this machine. Gives the address, and what is received."""
    handler = type("Received", (Service,), {"received": []})
    server = _UnixServer(str(place), handler) if place else ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        address = f"unix://{place}" if place else f"http://127.0.0.1:{server.server_address[1]}"
        yield address, handler.received  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
