"""The way to the daemon from inside a fence, where no socket can be reached by its path: the gateway of the fence.

Law: it is looked for where the kernel refuses the family of the control socket, and nowhere else. A variable alone
leads nobody to another server.
"""

import _socket
import os

from envfs.protocol import framing

VARIABLE = "ENVFS_FENCE_GATEWAY"  # PORT:TOKEN
_HERE = "127.0.0.1"
_MEMORY = "memory"


def connect_in_fence() -> "_socket.socket | None":
    """Connect to the gateway of this fence. Return None if it has none."""
    port, _, token = os.environ.get(VARIABLE, "").partition(":")
    if not port.isdigit():
        return None
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.connect((_HERE, int(port)))
        connection.sendall(f"{token}\n".encode())
    except OSError:
        connection.close()
        return None
    return connection


def memory_frames(descriptors: "tuple[int, ...]") -> bytes:
    """Return what stands in the place of descriptors, which pass no gateway: what they hold, before the request."""
    frames = []
    for descriptor in descriptors:
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        frames.append(framing.encode_frame({"type": _MEMORY}, (content,)) + content)
    return b"".join(frames)
