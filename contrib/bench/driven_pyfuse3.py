"""The same file system as `bare_pyfuse3.py`, without an event loop: pyfuse3's session loop is driven by hand.

driven_pyfuse3.py MOUNT FILE

This is as quick as Python can be below pyfuse3, for handlers that never wait.
"""

import os
import select
import signal
import sys
import types
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import pyfuse3
from bare_pyfuse3 import OPTIONS, Bare


class _Lock:
    """Nobody else is there."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class _Nursery:
    """Runs the one worker in its place."""

    _worker: Coroutine[Any, Any, None]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._worker

    def start_soon(self, worker: Callable[..., Coroutine[Any, Any, None]], *words: object, name: str = "") -> None:
        """Note the worker."""
        del name
        self._worker = worker(*words)


def _seam() -> types.SimpleNamespace:
    polls: dict[int, Callable[[], object]] = {}

    async def wait_readable(device: int) -> None:
        if device not in polls:
            poll = select.poll()
            poll.register(device, select.POLLIN)
            polls[device] = poll.poll
        polls[device]()

    lowlevel = types.SimpleNamespace(
        wait_readable=wait_readable,
        current_task=lambda: types.SimpleNamespace(name="worker"),
        current_trio_token=lambda: None,
        notify_closing=lambda _: None,
    )
    return types.SimpleNamespace(Lock=_Lock, open_nursery=_Nursery, ClosedResourceError=OSError, lowlevel=lowlevel)


def main() -> None:
    """Mount, serve, unmount."""
    mount, file = sys.argv[1:]
    options = OPTIONS | ({"allow_other"} if os.getuid() == 0 else set())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    pyfuse3.init(Bare(Path(file).read_bytes()), mount, options)
    setattr(pyfuse3, "trio", _seam())  # noqa: B010 - as pyfuse3.asyncio.enable does
    try:
        pyfuse3.main(min_tasks=1, max_tasks=1).send(None)
    except StopIteration:
        pass
    finally:
        pyfuse3.close()


if __name__ == "__main__":
    main()
