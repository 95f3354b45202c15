"""An honest user beside a hostile one, with what he waits for: `python siege_probe.py SOCKET MOUNT ENVFS ECHO SECONDS`.

The floors are what the machine takes at the same moment without EnvFS's daemon: an answer of a bare server, and a
command that asks nobody.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from siege import HELLO, frame

_READ = {"type": "read-view", "level": "/shop", "form": "value", "door": "get", "only": ["APP_NAME"]}
_PATIENCE, _RESTS = 20.0, 0.02


def _message(stream: socket.socket) -> dict[str, object]:
    head = stream.recv(4, socket.MSG_WAITALL)
    body: dict[str, object] = json.loads(stream.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    for size in body.get("blobs", []):  # type: ignore[attr-defined]
        stream.recv(size, socket.MSG_WAITALL)
    return body


def _asks(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)  # as long as it takes: with a timeout of its own it would not wait for room in the queue
        peer.settimeout(_PATIENCE)
        peer.sendall(HELLO + frame(_READ))
        _message(peer)
        while (answer := _message(peer))["type"] == "working-row":
            pass
        return "" if answer["type"] == "view-sent" else str(answer)


def _echoes(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        for _ in range(2):
            peer.sendall(b"x" * 100)
            peer.recv(100, socket.MSG_WAITALL)
    return ""


def _reads(path: str) -> str:
    with open(path, "rb") as file:
        return "" if file.read() else "an empty view"


def _runs(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, check=False, timeout=_PATIENCE)
    return "" if done.returncode == 0 else f"{done.returncode} {done.stderr.decode()}"


def main() -> None:
    """Measure in turn, for so many seconds; print the slowest, the median, the number, and what went wrong."""
    path, mount, envfs, echo, seconds = sys.argv[1:6]
    deeds: dict[str, Callable[[], str]] = {
        "floor: answer": lambda: _echoes(echo),
        "answer": lambda: _asks(path),
        "read": lambda: _reads(f"{mount}/shop/prod/.env"),
        "floor: command": lambda: _runs(envfs, "--version"),
        "get": lambda: _runs(envfs, "get", "/shop", "APP_NAME"),
        "status": lambda: _runs(envfs, "status"),
    }
    took: dict[str, list[float]] = {name: [] for name in deeds}
    wrong: dict[str, str] = {}
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        for name, deed in deeds.items():
            begun = time.monotonic()
            try:
                fault = deed()
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                fault = repr(error)
            took[name].append(time.monotonic() - begun)
            if fault:
                wrong[name] = fault
            time.sleep(_RESTS)
    rows = {name: (max(times), sorted(times)[len(times) // 2], len(times)) for name, times in took.items()}
    with suppress(BrokenPipeError):
        print(json.dumps({"rows": rows, "wrong": wrong}))


if __name__ == "__main__":
    main()
