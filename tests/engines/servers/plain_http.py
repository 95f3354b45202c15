"""The server of plain HTTP, in a thread of this process with a loop of its own."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import trio

from envfs.courier.http_server import serve_plain_http


@contextlib.contextmanager
def plain_http_server(folder: Path) -> Iterator[str]:
    """Serve a folder, and give the address of its engine."""
    begun = threading.Event()
    ports = list[int]()
    scope = trio.CancelScope()
    tokens = list[trio.lowlevel.TrioToken]()

    async def serve() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        with scope:
            async with trio.open_nursery() as nursery:
                ports.append(await nursery.start(serve_plain_http, "127.0.0.1", 0, str(folder)))
                begun.set()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    try:
        assert begun.wait(60)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        tokens[0].run_sync_soon(scope.cancel)
        thread.join(60)
