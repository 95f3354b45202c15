"""A conversation that the program before the interpreter has begun, and could not end (cli/direct.c).

It left two descriptors: the connection, and a file in memory with what was said on it by both sides.
"""

import _socket
import os

from envfs.tuples import NamedTuple

_HEAD = 4  # bytes of the length of what was sent


class BegunConversation(NamedTuple):
    """A connection to a daemon, what was sent on it, and what has come back."""

    connection: "_socket.socket"
    sent: bytes
    received: bytes


def take_begun(descriptors: str) -> BegunConversation:
    """Return the conversation that was begun, of which the connection and the file are named as `5:6`."""
    number, memory = map(int, descriptors.split(":"))
    os.set_inheritable(number, False)
    data = os.pread(memory, os.fstat(memory).st_size, 0)
    os.close(memory)
    end = _HEAD + int.from_bytes(data[:_HEAD], "big")
    return BegunConversation(_socket.socket(fileno=number), data[_HEAD:end], data[end:])
