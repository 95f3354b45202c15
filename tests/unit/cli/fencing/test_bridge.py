"""The bridge from a fence to its proxy."""

import errno
import socket

import pytest

from envfs_cli.fencing import bridge

SECONDS = 10.0


def test_a_shortage_of_descriptors_ends_no_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    outside, inside = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    outside.settimeout(SECONDS)
    make, shortages = socket.socket, [OSError(errno.EMFILE, "too many")]

    def make_if_there_is_room(*words: int, **named: int) -> socket.socket:
        if shortages and "fileno" not in named:
            raise shortages.pop()
        return make(*words, **named)

    with outside, socket.create_connection(inside.getsockname(), SECONDS) as client:
        started = bridge.Bridge(inside.detach(), outside.getsockname()[1])
        monkeypatch.setattr(socket, "socket", make_if_there_is_room)
        started.start()
        client.sendall(b"x")
        with outside.accept()[0] as peer:
            assert peer.recv(1) == b"x"
    assert not shortages
