"""Attempts to have more of the daemon by the gateway of the fence than an agent may have."""

import json
import os
import socket
from collections.abc import Callable, Iterator

from tests.system.escapes.trying import FACTS

Attempt = Callable[[], object]
_SECONDS = 20.0
_WITH_GREETING = 2  # frames of one request
_HELLO = {"type": "hello", "protocol": 1, "release": ""}
_PROXY = {"type": "open-proxy", "level": "/shop", "only": [], "strict": False, "reason": ""}
_TOKEN = {"type": "use-token"}
_VIEW = {"type": "read-view", "level": "/shop", "format": "environ", "channel": "get"}


def _frame(body: object, *blobs: bytes) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return len(text).to_bytes(4, "big") + text + b"".join(blobs)


def _memory(content: bytes) -> bytes:
    return _frame({"type": "memory", "blobs": [len(content)]}, content)


def _said(data: bytes, token: str | None, *, is_one: bool) -> bytes:
    """Return all that the gateway answers to some bytes, one request or several."""
    port, _, own = os.environ["ENVFS_FENCE_GATEWAY"].partition(":")
    with socket.create_connection(("127.0.0.1", int(port)), _SECONDS) as connection:
        connection.sendall(f"{own if token is None else token}\n".encode() + data)
        answer = b""
        while b'"failed"' not in answer and (piece := connection.recv(1 << 16)):
            answer += piece
        connection.settimeout(0.5)
        while not is_one and (piece := _more(connection)):  # behind a refusal
            answer += piece
    return answer


def _more(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


def _replies(answer: bytes) -> Iterator[str]:
    for name in ("done", "view-sent", "proxy-opened", "status-report", "level-row", "variable-row", "written"):
        if f'"type":"{name}"'.encode() in answer:
            yield name
    if FACTS["value_mark"].encode() in answer:
        yield "a value"


def _got(*frames: bytes, token: str | None = None) -> list[str] | None:
    return list(_replies(_said(b"".join(frames), token, is_one=len(frames) <= _WITH_GREETING))) or None


def _asking(*frames: bytes) -> Attempt:
    return lambda: _got(_frame(_HELLO), *frames)


def gateway_attempts() -> list[tuple[str, Attempt]]:
    """Return the attempts by their names."""
    attempts: dict[str, Attempt] = {name: _asking(_frame({"type": name})) for name in FACTS["requests"]}
    attempts |= {
        "a view": _asking(_frame(_VIEW)),
        "a view by a second type": _asking(_frame(json.dumps(_PROXY).encode()[:-1] + b',"type":"read-view"}')),
        "all levels": _asking(_frame({"type": "list-levels", "level": "/"})),
        "another level": _asking(_frame({"type": "list-variables", "level": "/keys"})),
        "a level above": _asking(_frame({"type": "list-variables", "level": "/shop/.."})),
        "a level that begins alike": _asking(_frame({"type": "list-variables", "level": "/shopping"})),
        "a proxy without a yes": _asking(_frame(_PROXY)),
        "a proxy with a token that is none": _asking(_memory(b"envfs_none"), _frame(_TOKEN), _frame(_PROXY)),
        "a proxy with no token": _asking(_frame(_TOKEN), _frame(_PROXY)),
        "a token that is larger than one": _asking(_memory(b"x" * 5000), _frame(_TOKEN)),
        "a request with a blob": _asking(_frame({**_PROXY, "blobs": [1]}, b"x")),
        "no gateway token": lambda: _got(_frame(_HELLO), _frame({"type": "list-levels", "level": "/shop"}), token=""),
        "a gateway token that is another": lambda: _got(_frame(_HELLO), token="x" * 43),
        "a gateway token without an end": lambda: _got(token="x" * 100_000),
    }
    return [(f"gateway: {name}", attempt) for name, attempt in attempts.items()]
