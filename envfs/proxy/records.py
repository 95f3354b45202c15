"""Reading from TLS by more than one record: a record has 16 KiB at most, and more of them often come at once.

`trio.SSLStream` gives one for each call, so this reads what it has got already from its insides. Where these are others
in a later trio, it is as fast as trio alone.
"""

import ssl
from typing import Final

import trio

CHUNK: Final = 1 << 16


async def receive(stream: trio.abc.ReceiveStream) -> bytes:
    """Return the next bytes of a stream. Nothing at its end."""
    data = bytes(await stream.receive_some(CHUNK))
    session = getattr(stream, "_ssl_object", None) if isinstance(stream, trio.SSLStream) else None
    if not data or not isinstance(session, ssl.SSLObject):
        return data
    pieces, size = [data], len(data)
    while size < CHUNK:
        try:
            more = session.read(CHUNK)
        except ssl.SSLError:  # there is no more yet. What is wrong is said by the next call
            break
        if not more:
            break
        pieces.append(more)
        size += len(more)
    return b"".join(pieces) if len(pieces) > 1 else data
