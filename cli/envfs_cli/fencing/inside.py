"""The first process inside a fence: it makes the listener of the proxy's port, hands that out, and becomes the command.

    python -c … DESCRIPTOR      the end of a socket pair, on which the process outside says what the command is

Laws: what it was given it reads from the socket alone. When it becomes the command, no descriptor but the standard
three, and the memory of certificates, is left.
"""

import _socket
import json
import os
import signal
import sys

from envfs.errors import EnvFSError
from envfs.protocol.control import BaseUrl
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import fence_gateway, new_proxies
from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SPARE_PORTS = 4  # for proxies that a person says yes to while the command runs
_BACKLOG, _PIECE, _HERE = 256, 1 << 16, "127.0.0.1"


class FenceOrder(NamedTuple):
    """The command that a process inside is to become. It ignores the signals of `ignored`, as its caller did.

    `gateway` is the token of a way to the daemon for an agent, empty without one.
    """

    command: "tuple[str, ...]"
    inherited: "tuple[bytes, ...]"
    variables: bytes
    ignored: "tuple[int, ...]"
    opened: "new_proxies.StartedProxy | None" = None
    gateway: str = ""


def encode_order(order: FenceOrder) -> bytes:
    """Write an order. It ends with a line feed."""
    opened = order.opened
    body: dict[str, Any] = {
        "command": order.command,
        "inherited": [entry.decode("latin-1") for entry in order.inherited],
        "variables": order.variables.decode("latin-1"),
        "ignored": order.ignored,
        "gateway": order.gateway,
    }
    if opened is not None:
        body["port"], body["token"] = opened.port, opened.token
        body["certificate"], body["urls"] = opened.certificate.decode("ascii"), opened.base_urls
    return json.dumps(body).encode("ascii") + b"\n"


def decode_order(text: bytes) -> FenceOrder:
    """Read an order."""
    body = json.loads(text)
    variables = body["variables"].encode("latin-1")
    opened = None
    if "port" in body:
        urls = tuple(BaseUrl(*url) for url in body["urls"])
        certificate = body["certificate"].encode("ascii")
        opened = new_proxies.StartedProxy("", body["port"], body["token"], certificate, urls, variables)
    inherited = tuple(entry.encode("latin-1") for entry in body["inherited"])
    return FenceOrder(tuple(body["command"]), inherited, variables, tuple(body["ignored"]), opened, body["gateway"])


def main() -> int:
    """Become the command. Returns a status if that cannot be."""
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, int(sys.argv[1]))
    text = bytearray()
    while not text.endswith(b"\n"):
        piece = channel.recv(_PIECE)
        if not piece:
            return EnvFSError.status
        text += piece
    order = decode_order(bytes(text))
    variables = order.variables
    try:
        gateway = _hand_out(channel, order)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        if order.opened is not None:
            present = new_proxies.named_entries(order.inherited)
            variables = new_proxies.proxied_variables(order.opened, present) + gateway
        _reset_signals(order.ignored)
        return become_command(order.command, variables, order.inherited)
    except EnvFSError as error:
        output.error(error)
        return error.status


def become_command(command: "Sequence[str]", variables: bytes, inherited: "Sequence[bytes]") -> int:
    """Become a command whose environment has variables over these entries. Returns a status if it cannot."""
    entries = replacement.environment_entries(inherited, variables)
    return replacement.become_command(command, b"", lambda *_: entries)


def _hand_out(channel: "_socket.socket", order: FenceOrder) -> bytes:
    # a socket belongs to the namespace that it was made in, wherever its descriptor goes
    listeners = [] if order.opened is None else [_listener(order.opened.port)]
    entry = b""
    if order.gateway:
        listeners += [_listener(0) for _ in range(1 + SPARE_PORTS)]
        port = listeners[1].getsockname()[1]
        entry = f"{fence_gateway.VARIABLE}={port}:{order.gateway}\0".encode()
    packed = b"".join(listener.fileno().to_bytes(4, sys.byteorder) for listener in listeners)
    channel.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)] if packed else [])
    return entry


def _listener(port: int) -> "_socket.socket":
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind((_HERE, port))
    listener.listen(_BACKLOG)
    return listener


def _reset_signals(ignored: "tuple[int, ...]") -> None:
    for number in signal.valid_signals() - {*ignored, signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
