"""Services that the other tools speak with: OpenBao itself, and one that answers as the API of Doppler does."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.other_tools.tools import TOOLS
from tests.system.home import eventually

_OWN = {"DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd", "DOPPLER_PROJECT": "shop"}


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class DopplerHandler(http.server.BaseHTTPRequestHandler):
    """Answers what `doppler secrets` and `doppler run` ask (https://docs.doppler.com/reference/secrets-download)."""

    def do_GET(self) -> None:
        """Give the secrets of the config, as the path asks for them."""
        asked = urlsplit(self.path)
        if not asked.path.endswith("/download"):
            self._reply(json.dumps(_rows(self.server.secrets)))
        elif parse_qs(asked.query).get("format") == ["env"]:
            self._reply("".join(f"{name}={json.dumps(value)}\n" for name, value in self._all()))
        else:
            self._reply(json.dumps(dict(self._all())))

    def do_POST(self) -> None:
        """Take the file of `doppler secrets upload`."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.secrets = json.loads(body["file"])
        self._reply(json.dumps(_rows(self.server.secrets)))

    def _all(self) -> list[tuple[str, str]]:
        return [*_OWN.items(), *self.server.secrets.items()]

    def _reply(self, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    server: "DopplerService"


class DopplerService(http.server.ThreadingHTTPServer):
    """One config of one project, at `self.url`."""

    daemon_threads = True

    def __init__(self, secrets: dict[str, str], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), DopplerHandler)
        self.secrets = secrets
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def served(self) -> Iterator[dict[str, str]]:
        """Serve it, and give the variables with which `doppler` finds it."""
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield {"DOPPLER_API_HOST": self.url, "DOPPLER_TOKEN": "dp.st.prd.made-up-token-of-a-test"}
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


def _rows(secrets: dict[str, str]) -> dict[str, object]:
    shown = {"rawVisibility": "masked", "computedVisibility": "masked", "note": ""}
    return {
        "success": True,
        "secrets": {name: {"raw": value, "computed": value, **shown} for name, value in secrets.items()},
    }


@contextmanager
def openbao(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """Run OpenBao in memory, and give the variables with which `bao` finds it."""
    address = f"127.0.0.1:{free_port()}"
    with (folder / "openbao.log").open("wb") as log:
        words = [str(TOOLS / "bao"), "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address={address}"]
        words += options
        server = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    eventually(lambda: "Root Token: root" in (folder / "openbao.log").read_text(), "OpenBao serves")
    try:
        yield {"BAO_ADDR": f"http://{address}", "BAO_TOKEN": "root"}
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


if __name__ == "__main__":  # for a page of the documents: tests/documents/pages/coming-from-doppler.sh
    service = DopplerService({"STRIPE_KEY": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "WORKERS": "8"}, int(sys.argv[1]))
    print(f"{service.url} serves", flush=True)
    service.serve_forever()
