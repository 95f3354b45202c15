"""A host that answers as the services of real clients do: git, an index of packages, models, a WebSocket."""

import base64
import contextlib
import hashlib
import io
import json
import os
import ssl
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

from tests.component.proxying import Handler, Seen, Upstream

PACKAGE = "shop-package"
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_MASKED, _SHORT, _LONG = 0x80, 126, 127


class ServiceHandler(Handler):
    """Answers by the path of a request, as well as its base does."""

    def _send_events(self, events: list[tuple[str, dict[str, object]]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, event in [*events, ("", {})]:
            head = f"event: {name}\n" if name else ""
            text = f"{head}data: {json.dumps(event) if event else '[DONE]'}\n\n".encode()
            if event or not name:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(text), text))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _v1(self, seen: Seen) -> None:
        if "/messages" in seen.target:
            self._anthropic(seen)
            return
        told = seen.headers["authorization"]
        chunks = [{"index": 0, "delta": {"content": text}, "finish_reason": None} for text in ("hello", told)]
        common = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self._send_events([("", {**common, "choices": [chunk]}) for chunk in chunks])

    def _anthropic(self, seen: Seen) -> None:
        told = seen.headers.get("x-api-key") or seen.headers["authorization"]
        message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"}
        usage = {"input_tokens": 1, "output_tokens": 1}
        begun = {**message, "stop_reason": None, "stop_sequence": None, "usage": usage}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        deltas = [
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            for text in ("hello", told)
        ]
        ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
        stops: list[dict[str, object]] = [{"type": "content_block_stop", "index": 0}, ended, {"type": "message_stop"}]
        events = [{"type": "message_start", "message": begun}, block, *deltas, *stops]
        self._send_events([(str(event["type"]), event) for event in events])

    def _repo(self, seen: Seen) -> None:
        if not seen.basic:
            self._send(b"", ("WWW-Authenticate", 'Basic realm="git"'), status=401)
            return
        path, _, query = seen.target.partition("?")
        names = {"content-type": "CONTENT_TYPE", "content-encoding": "HTTP_CONTENT_ENCODING"}
        environ = {variable: seen.headers.get(name, "") for name, variable in names.items()}
        environ |= {"GIT_PROTOCOL": seen.headers.get("git-protocol", ""), "REMOTE_USER": "x", "QUERY_STRING": query}
        environ |= {"GIT_PROJECT_ROOT": str(self.server.upstream.folder), "PATH_INFO": path, "GIT_HTTP_EXPORT_ALL": "1"}  # type: ignore[attr-defined]
        environ |= {"REQUEST_METHOD": seen.method, "CONTENT_LENGTH": str(len(seen.body)), "PATH": os.environ["PATH"]}
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        said = subprocess.run(command, input=seen.body, stdout=subprocess.PIPE, env=environ, check=True).stdout
        head, _, body = said.partition(b"\r\n\r\n")
        fields = [line.partition(": ")[::2] for line in head.decode().split("\r\n")]
        status = next((int(value[:3]) for name, value in fields if name == "Status"), 200)
        self._send(body, *((name, value) for name, value in fields if name != "Status"), status=status)

    def _simple(self, seen: Seen) -> None:
        if not seen.basic:
            self._send(b"", ("WWW-Authenticate", 'Basic realm="index"'), status=401)
            return
        name = f"{PACKAGE.replace('-', '_')}-1.0-py3-none-any.whl"
        self._send(f'<a href="/files/{name}">{name}</a>'.encode(), ("Content-Type", "text/html"))

    def _files(self, _seen: Seen) -> None:
        self._send(_wheel())

    def _npm(self, seen: Seen) -> None:
        if seen.target.endswith(".tgz"):
            self._send(_tarball())
            return
        url = f"https://{seen.headers['host']}/npm/{PACKAGE}-1.0.0.tgz"
        version = {"name": PACKAGE, "version": "1.0.0", "dist": {"tarball": url}}
        told = {"name": PACKAGE, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        self._send(json.dumps(told).encode(), ("Content-Type", "application/json"))

    def _(self, _seen: Seen) -> None:
        identity = "<Arn>arn:aws:iam::1:user/ana</Arn><UserId>U</UserId><Account>1</Account>"
        result = f"<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>"
        space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
        self._send(f"<GetCallerIdentityResponse {space}>{result}</GetCallerIdentityResponse>".encode())

    def _bucket(self, seen: Seen) -> None:
        space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
        listed = f"<ListBucketResult {space}><Name>bucket</Name><KeyCount>0</KeyCount></ListBucketResult>"
        self._send(listed.encode() if seen.method == "GET" else b"", ("ETag", '"1"'))

    def _socket(self, seen: Seen) -> None:
        digest = hashlib.sha1(seen.headers["sec-websocket-key"].encode() + _WEBSOCKET, usedforsecurity=False).digest()
        self.send_response(101)
        for name, value in (("Connection", "Upgrade"), ("Upgrade", "websocket")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.flush()
        with contextlib.suppress(ConnectionError, ssl.SSLError, struct.error):
            while self._echo_frame():
                pass
        self.close_connection = True

    def _echo_frame(self) -> bool:
        first, size = self.rfile.read(2)
        written = b""
        if size & ~_MASKED >= _SHORT:
            written = self.rfile.read(2 if size & ~_MASKED == _SHORT else 8)
        length = int.from_bytes(written) if written else size & ~_MASKED
        mask = self.rfile.read(4)
        data = self.rfile.read(length)
        plain = bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))
        self.wfile.write(bytes((first, size & ~_MASKED)) + written + plain)
        self.wfile.flush()
        return first & 0x0F != 8  # a frame that closes (RFC 6455 §5.5.1)


class Services(Upstream):
    """The host, and a repository of git that it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(folder, ServiceHandler)
        repository = folder / "repo" / "shop.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
        subprocess.run(["git", "-C", repository, "config", "http.receivepack", "true"], check=True)


def _wheel() -> bytes:
    out, module = io.BytesIO(), PACKAGE.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr(f"{module}.py", "SHOP = 1\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return out.getvalue()


def _tarball() -> bytes:
    out, text = io.BytesIO(), json.dumps({"name": PACKAGE, "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return out.getvalue()
